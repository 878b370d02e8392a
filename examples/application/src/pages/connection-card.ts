import type { Connection, ConnectionStatus } from "@linkwright/core";
import { html } from "hono/html";
import { reasons } from "../advice.ts";
import { startForm, unseen } from "./forms.ts";
import type { Markup } from "./layout.ts";
import { tile } from "./tile.ts";
import { distance, instant } from "./time.ts";

export interface Listed {
  readonly connection: Connection;
  readonly status: ConnectionStatus;
  /** What the application calls the account. */
  readonly title: string;
}

/** One connection: how it stands, why, until when, and what can be done with it. `alone`: on a page of its own. */
export function connectionCard({ connection, status, title }: Listed, now: number, alone = false): Markup {
  const { id, registration } = connection;
  const name = alone ? html`${title}` : html`<a href="/connections/${id}">${title}</a>`;
  const [word, look] = meanings[status.health];
  return html`<article class="card" id="connection-${id}" aria-labelledby="title-${id}">
    <header>
      ${tile(registration)}
      <div class="name">
        <h2 id="title-${id}">${name}</h2>
        <p class="faint account">${status.account ?? "The provider names no account"}</p>
      </div>
      <p class="badge ${look}"><span class="unseen">Health: </span>${word}</p>
    </header>
    ${explanation(status, now)}
    <dl class="facts">${facts(status, now)}</dl>
    <footer>${actions(connection, status, title)}</footer>
  </article>`;
}

/** What a health means to the user: a word, the name of its look, and a sentence. */
const meanings: Readonly<Record<ConnectionStatus["health"], readonly [word: string, look: string, meaning: string]>> = {
  pending: ["Waiting", "wait", "The bank has not confirmed your consent yet."],
  healthy: ["Working", "good", ""],
  expiring: ["Ends soon", "wait", "Your consent ends soon; reconnect to renew it."],
  degraded: ["Retrying", "wait", "The provider could not renew it just now; it is tried again when it is needed."],
  reauthorize: ["Needs you", "act", ""],
  configuration: ["Out of order", "act", "The provider refuses this application; its operator has to act."],
  ended: ["Ended", "over", ""],
};

/** Whether the user has something to do about it. */
export const needsUser = (status: ConnectionStatus): boolean => isOver(status) || status.health === "expiring";

/** Whether only the user can bring it back. */
const isOver = ({ health }: ConnectionStatus): boolean => health === "ended" || health === "reauthorize";

/** Nothing where all is well. */
function explanation({ health, reason, retryAt, scope: { missing } }: ConnectionStatus, now: number): Markup | "" {
  const [, look, meaning] = meanings[health];
  const lines = [
    reason === undefined ? meaning : html`${reasons[reason]} <code>${reason}</code>`,
    retryAt === undefined || retryAt < now + 1000 ? "" : html`The next attempt is due ${distance(retryAt - now)}.`,
    missing.length === 0 ? "" : html`Not allowed: ${codes(missing)}. Reconnect to allow it.`,
  ].filter((line) => line !== "");
  if (lines.length === 0) return "";
  return html`<div class="why ${look === "good" ? "wait" : look}">${lines.map((line) => html`<p>${line}</p>`)}</div>`;
}

function facts(status: ConnectionStatus, now: number): Markup {
  const { scope, bearer, since, consentExpiresAt, accessTokenExpiresAt, renewedAt } = status;
  // Of a grant that is over, neither what it promised nor its last token counts.
  if (isOver(status))
    return html`${fact("Covered", codes(scope.granted ?? scope.requested))}${fact("Since", instant(since, now))}`;
  const tokens =
    bearer === "application"
      ? html`${fact("Access token", faint("The application's own"))}${fact("Last renewal", faint("With the application's"))}`
      : html`${fact(until("Access token", accessTokenExpiresAt, now), instant(accessTokenExpiresAt, now, "Not told"))}
          ${fact("Last renewal", instant(renewedAt, now, "Never"))}`;
  return html`${fact("Covers", coverage(status))}
    ${fact(until("Consent", consentExpiresAt, now), instant(consentExpiresAt, now, "No end is told"))} ${tokens}`;
}

function coverage({ scope: { requested, granted } }: ConnectionStatus): Markup {
  if (granted !== undefined) return codes(granted);
  if (requested.length === 0) return faint("Not told yet");
  return html`${codes(requested)} ${faint("as asked; the provider does not say")}`;
}

/** `Consent until`, or `Consent ended`. */
const until = (what: string, end: number | undefined, now: number): string =>
  end !== undefined && end <= now ? `${what} ended` : `${what} until`;

const faint = (text: string): Markup => html`<span class="faint">${text}</span>`;

const fact = (name: string, value: Markup): Markup => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;

const codes = (names: readonly string[]): Markup =>
  names.length === 0
    ? faint("Nothing")
    : html`${names.map((name, index) => html`${index === 0 ? "" : " "}<code>${name}</code>`)}`;

function actions({ id, registration }: Connection, status: ConnectionStatus, title: string): Markup {
  const over = isOver(status);
  const call = html`<form method="post" action="/connections/${id}/call"><button>Call its API${unseen(title)}</button></form>`;
  const again = html`Reconnect${unseen(title)}`;
  return html`${over ? "" : call} ${startForm({ registration, connection: id, label: again, look: over ? "main" : "" })}
    <a class="button grave" href="/connections/${id}/disconnect">Disconnect${unseen(title)}</a>`;
}
