import { html } from "hono/html";
import type { Offer } from "../offers.ts";
import type { Session } from "../sessions.ts";
import { connectionCard, type Listed, needsUser } from "./connection-card.ts";
import { startForm, unseen } from "./forms.ts";
import { layout, type Markup } from "./layout.ts";
import { tile } from "./tile.ts";
import { moment } from "./time.ts";

export interface ConnectionsPage {
  readonly session: Session;
  readonly notes: readonly string[];
  readonly listed: readonly Listed[];
  readonly offers: readonly Offer[];
  readonly now: number;
}

/** A user's connections and how they stand, and what else can be linked. */
export function connectionsPage({ session, notes, listed, offers, now }: ConnectionsPage): Markup {
  return layout({
    title: "Your connections",
    session,
    body: html`<h1>Your connections</h1>
      ${notes.map((note) => html`<p class="note" role="status">${note}</p>`)}
      ${listed.length === 0 ? nothing : cards(listed, now)}
      <section aria-labelledby="offers">
        <h2 id="offers">Link an account</h2>
        <ul class="offers">
          ${offers.map(
            ({ registration, title, purpose }) =>
              html`<li class="card">
                <div class="lead">${tile(registration)}<h3>${title}</h3></div>
                <p class="faint">${purpose}</p>
                ${startForm({ registration, label: html`Link${unseen(title)}` })}
              </li>`,
          )}
        </ul>
      </section>`,
  });
}

const nothing = html`<div class="empty">
  <p><strong>Nothing is linked yet.</strong></p>
  <p class="faint">Choose an account below. You decide at your bank what is shared, and can take it back at any time.</p>
</div>`;

function cards(listed: readonly Listed[], now: number): Markup {
  const waiting = listed.filter(({ status }) => needsUser(status)).length;
  const summary = `${listed.length} linked, ${waiting === 0 ? "none needs you" : `${waiting} ${waiting === 1 ? "needs" : "need"} you`}`;
  return html`<p class="faint summary">${summary}. As recorded at ${moment(now)}. <a href="/">Look again</a></p>
    ${listed.map((one) => connectionCard(one, now))}`;
}
