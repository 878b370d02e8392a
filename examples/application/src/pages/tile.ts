import { html } from "hono/html";
import type { RegistrationName } from "../configuration.ts";
import type { Markup } from "./layout.ts";

const bank = "M4 10v-.5L12 5l8 4.5v.5zM6.5 10v7M12 10v7M17.5 10v7M4 19.5h16";
const drawings: Readonly<Record<RegistrationName, string>> = {
  fiskil: bank,
  platform: bank,
  books: "M7 3.5h7l4 4V20l-2.2-1.3L13.6 20l-2.1-1.3L9.3 20 7 18.7zM10 9h3M10 12.5h5",
  desk: "M9 11a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 9 11zM3.5 19.5c0-3.3 2.4-5 5.5-5s5.5 1.7 5.5 5M15.5 5.2a3.2 3.2 0 0 1 0 5.6M17.5 14.9c1.9.6 3 2.2 3 4.6",
  flinks: bank,
};

/** A picture by which the eye finds an account again. Its name stands beside it. */
export function tile(registration: string): Markup {
  const drawing = drawings[registration as RegistrationName] ?? bank;
  return html`<span class="tile ${registration}" aria-hidden="true"><svg viewBox="0 0 24 24"><path d="${drawing}" /></svg></span>`;
}
