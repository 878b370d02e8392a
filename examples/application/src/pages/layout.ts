import { html } from "hono/html";
import type { Session } from "../sessions.ts";

/** Escaped where it is put together: whatever stands in `${}` of the `html` tag is text. */
export type Markup = ReturnType<typeof html>;

export interface Page {
  readonly title: string;
  readonly session?: Session | undefined;
  readonly body: Markup;
}

/** The frame of every page. */
export function layout({ title, session, body }: Page): Markup {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${title} · Ledgerly</title>
    <link rel="icon" type="image/svg+xml" href="/icon.svg" />
    <link rel="stylesheet" href="/style.css" />
  </head>
  <body>
    <a class="skip" href="#main">Skip to the page</a>
    <header class="bar">
      <div>
        <a class="brand" href="/"><img src="/icon.svg" alt="" width="22" height="22" /> Ledgerly</a>
        <p class="tagline">the sample application of Linkwright</p>
        ${session === undefined ? "" : signedIn(session)}
      </div>
    </header>
    <main id="main" tabindex="-1">${body}</main>
  </body>
</html>`;
}

function signedIn({ user }: Session): Markup {
  return html`<form class="who" method="post" action="/session/end">
    <span>Signed in as <strong>${user.name}</strong></span>
    <button class="quiet">Sign out</button>
  </form>`;
}
