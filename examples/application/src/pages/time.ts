import { html } from "hono/html";
import type { Markup } from "./layout.ts";

const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** An instant. */
export function moment(at: number): Markup {
  return html`<time datetime="${new Date(at).toISOString()}">${date.format(at)} UTC</time>`;
}

/** How far off an instant is, and the instant; or the words for its absence. */
export function instant(at: number | undefined, now: number, absent = ""): Markup {
  if (at === undefined) return html`<span class="faint">${absent}</span>`;
  return html`${distance(at - now)} <span class="faint moment">${moment(at)}</span>`;
}

const units = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
] as const;

/** `in 4 minutes`, `2 days ago`. */
export function distance(ms: number): string {
  const [unit, length] = units.find(([, size]) => Math.abs(ms) >= size) ?? ["second", 1000];
  return relative.format(Math.trunc(ms / length), unit);
}
