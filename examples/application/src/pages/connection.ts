import { html } from "hono/html";
import type { Session } from "../sessions.ts";
import { connectionCard, type Listed } from "./connection-card.ts";
import { layout, type Markup } from "./layout.ts";
import { moment } from "./time.ts";

export interface ConnectionPage extends Listed {
  readonly session: Session;
  readonly notes: readonly string[];
  readonly now: number;
}

/** One connection by itself, with what its record says. */
export function connectionPage({ session, notes, now, ...listed }: ConnectionPage): Markup {
  const { connection, status, title } = listed;
  const record: readonly (readonly [string, Markup | string | undefined])[] = [
    ["Connection", connection.id],
    ["Registration", connection.registration],
    ["State since", moment(status.since)],
    ["Token of", status.bearer === "connection" ? "the connection" : "the application"],
    ["Scope asked for", status.scope.requested.join(" ")],
    ["Renewal in doubt", status.inDoubt ? "yes" : "no"],
    ...Object.entries(status.data),
  ];
  return layout({
    title,
    session,
    body: html`<p class="path"><a href="/"><span aria-hidden="true">←</span> Your connections</a></p>
      <h1>${title}</h1>
      ${notes.map((note) => html`<p class="note" role="status">${note}</p>`)}
      ${connectionCard(listed, now, true)}
      <details>
        <summary>As it is recorded</summary>
        <dl>${record.map(([name, value]) => (value ? html`<dt>${name}</dt><dd>${value}</dd>` : ""))}</dl>
      </details>`,
  });
}
