import { styleText } from "node:util";
import type { RegistrationName } from "@linkwright/example-application";
import type { Journey } from "./journey.ts";
import { trafficOf } from "./traffic.ts";

const grants: readonly (readonly [RegistrationName, string])[] = [
  ["fiskil", "consent, client credentials"],
  ["platform", "client credentials"],
  ["books", "code, secret and PKCE"],
  ["desk", "code, PKCE alone"],
  ["flinks", "code, fixed refresh token"],
];

const heads = ["registration", "grant", "account", "token requests", "API calls", "status"];

/** The closing table: one row per registration, counted from the simulators' journals. */
export function closingTable({ world, ledger }: Journey): string {
  const traffic = trafficOf(world);
  const rows = grants.map(([registration, grant]) => {
    const entry = ledger.get(registration);
    const status = entry ? [...entry.states, "disconnected"].join(" → ") : "the application's own";
    const { tokenRequests, apiCalls } = traffic[registration];
    return [registration, grant, shortened(entry?.account), String(tokenRequests()), String(apiCalls()), status];
  });
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        /^\d+$/.test(cell) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [styleText("bold", line(heads)), ...rows.map(line)].join("\n");
}

/** Enough of an id to tell it from others. */
function shortened(account: string | undefined): string {
  if (account === undefined) return "-";
  return account.length > 14 ? `${account.slice(0, 13)}…` : account;
}
