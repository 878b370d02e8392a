import { html } from "hono/html";
import type { Session } from "../sessions.ts";
import type { Listed } from "./connection-card.ts";
import { layout, type Markup } from "./layout.ts";

/** Asks once more, since only the user can undo it. */
export function disconnectingPage(session: Session, { connection, title, status }: Listed): Markup {
  return layout({
    title: `Disconnect ${title}`,
    session,
    body: html`<div class="card message">
      <h1>Disconnect ${title}?</h1>
      <p>What you granted is given back at the provider, and nothing more is read. To come back, you would have to link the account again.</p>
      ${status.account === undefined ? "" : html`<p class="faint account">${status.account}</p>`}
      <div class="ways">
        <form method="post" action="/linkwright/disconnect/${connection.id}"><button class="grave">Disconnect</button></form>
        <a class="button" href="/connections/${connection.id}">Keep it</a>
      </div>
    </div>`,
  });
}
