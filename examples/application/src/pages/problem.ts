import { html } from "hono/html";
import type { Session } from "../sessions.ts";
import { startForm } from "./forms.ts";
import { layout, type Markup } from "./layout.ts";

export interface Problem {
  readonly title: string;
  readonly remedy: string;
  /** What the operator, or the provider's support, will ask for. */
  readonly details?: readonly (readonly [name: string, value: string])[];
  readonly way?: WayOut | undefined;
  /** Where the user came from. */
  readonly back?: string | undefined;
}

/** An authorization that leads out of it. */
export interface WayOut {
  readonly label: string;
  readonly registration: string;
  readonly connection?: string;
}

export function problemPage(session: Session | undefined, problem: Problem): Markup {
  const { title, remedy, details = [], way, back } = problem;
  return layout({
    title,
    session,
    body: html`<div class="card message">
      <h1>${title}</h1>
      <p>${remedy}</p>
      <div class="ways">
        ${way === undefined || session === undefined ? "" : startForm({ ...way, look: "main" })}
        ${back === undefined ? html`<a class="button" href="/">Back to the first page</a>` : html`<a class="button" href="${back}">Back to where you were</a>`}
      </div>
      ${
        details.length === 0
          ? ""
          : html`<details>
              <summary>For the operator</summary>
              <dl>${details.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
            </details>`
      }
    </div>`,
  });
}
