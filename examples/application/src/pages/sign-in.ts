import { html } from "hono/html";
import { sampleUsers } from "../users.ts";
import { layout, type Markup } from "./layout.ts";

export function signInPage(): Markup {
  return layout({
    title: "Sign in",
    body: html`<div class="card message">
      <h1>Who are you today?</h1>
      <p>Ledgerly gathers people's accounts at banks and accounting systems. Everybody here is made up, so there is no password.</p>
      <form class="choices" method="post" action="/session">
        ${sampleUsers.map(
          ({ id, name, email }) =>
            html`<button class="choice" name="user" value="${id}">
              <span class="tile" aria-hidden="true">${name.slice(0, 1)}</span>
              <span><strong>${name}</strong> <span class="faint">${email}</span></span>
            </button>`,
        )}
      </form>
    </div>`,
  });
}
