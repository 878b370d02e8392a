import type { Journey } from "./journey.ts";
import { callEach, manageProducts } from "./steps/calls.ts";
import { disconnectAll, loseGrant, withdrawConsent } from "./steps/endings.ts";
import { linkBooks, linkDesk, linkFiskil, linkFlinks } from "./steps/linking.ts";
import { crowd, idleMonth, mintAgain } from "./steps/renewing.ts";

/** One step: it does what its title says, checks every promise in it, and tells in a line or two what it saw. */
export interface Step {
  readonly title: string;
  readonly walk: (journey: Journey) => Promise<readonly string[]>;
}

/** The whole walk, in order: each step stands on what the ones before it left. */
export const steps: readonly Step[] = [
  { title: "Link Fiskil, by consent", walk: linkFiskil },
  { title: "Link Fiskl, as a confidential app", walk: linkBooks },
  { title: "Link Fiskl, as a public app", walk: linkDesk },
  { title: "Link Flinks", walk: linkFlinks },
  { title: "Platform API: products", walk: manageProducts },
  { title: "One API call on each connection", walk: callEach },
  { title: "+61 minutes: 1,000 callers at once on an expired token", walk: crowd },
  { title: "+15 minutes: Fiskil mints again", walk: mintAgain },
  { title: "+29 days with nobody calling: maintenance keeps Flinks alive", walk: idleMonth },
  { title: "A consent is withdrawn at the bank", walk: withdrawConsent },
  { title: "A grant is refused", walk: loseGrant },
  { title: "Disconnect all", walk: disconnectAll },
];
