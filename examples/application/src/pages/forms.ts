import { html } from "hono/html";
import type { Markup } from "./layout.ts";

export interface StartForm {
  readonly registration: string;
  /** The id of a connection to connect again. */
  readonly connection?: string | undefined;
  /** What is written on the button. */
  readonly label: Markup | string;
  readonly look?: "main" | "";
}

/** A button that leads to a provider's pages. Who connects again comes back to the connection's own page. */
export function startForm({ registration, connection, label, look = "" }: StartForm): Markup {
  return html`<form method="post" action="/linkwright/start/${registration}">
    ${
      connection === undefined
        ? ""
        : html`<input type="hidden" name="connection" value="${connection}" /><input type="hidden" name="returnTo" value="/connections/${connection}" />`
    }<button class="${look}">${label}</button>
  </form>`;
}

/** Heard, but not seen: which of many alike buttons this is. */
export const unseen = (text: string): Markup => html`<span class="unseen"> ${text}</span>`;
