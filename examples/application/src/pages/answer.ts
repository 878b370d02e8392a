import { html } from "hono/html";
import type { Session } from "../sessions.ts";
import { layout, type Markup } from "./layout.ts";

export interface ApiAnswer {
  readonly title: string;
  readonly path: string;
  readonly status: number;
  readonly text: string;
}

/** What the provider's API answered, whatever it was. */
export function answerPage(session: Session, { title, path, status, text }: ApiAnswer): Markup {
  const look = status < 400 ? "good" : "act";
  return layout({
    title: `Answer of ${title}`,
    session,
    body: html`<h1>${title} answered <span class="badge ${look}">${status}</span></h1>
      <p>To <code>GET ${path}</code>, sent by the application with a token that never reaches this browser.</p>
      <pre tabindex="0" role="region" aria-label="Body of the answer">${text}</pre>
      <p><a class="button" href="/">Back to your connections</a></p>`,
  });
}
