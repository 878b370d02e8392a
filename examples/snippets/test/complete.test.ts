import type { EventName, FaultKind, FlowReason, GoneReason, ReauthorizeReason } from "@linkwright/core";
import { describe, expect, test } from "vitest";
import { read } from "./support/pages.ts";

/** Every word of the types is on its page, and no other: the compiler keeps these lists, the pages are read. */

const kinds: Readonly<Record<FaultKind, true>> = {
  reauthorize: true,
  retry: true,
  configuration: true,
  permission: true,
  flow: true,
  gone: true,
  protocol: true,
  store: true,
  cancelled: true,
  aborted: true,
};

const reauthorize: Readonly<Record<ReauthorizeReason, true>> = {
  revoked: true,
  expired: true,
  idle_timeout: true,
  consent_ended: true,
  rotation_lost: true,
  scope: true,
};

const flow: Readonly<Record<FlowReason, true>> = {
  unknown_state: true,
  expired: true,
  used: true,
  wrong_browser: true,
  issuer: true,
  scope: true,
  account: true,
};

const gone: Readonly<Record<GoneReason, true>> = { disconnected: true, unknown: true, not_found: true };

const events: Readonly<Record<EventName, true>> = {
  "connection.connected": true,
  "connection.pending": true,
  "connection.renewed": true,
  "connection.renewal_failed": true,
  "connection.in_doubt": true,
  "connection.reauthorization_required": true,
  "connection.expiring": true,
  "connection.ended": true,
  "connection.disconnected": true,
  "client.rejected": true,
  "client.accepted": true,
  "protocol.warning": true,
  "store.failed": true,
};

/** The first words of a table's rows, and whether each has something to say in every column. */
function rowsUnder(page: string, heading: string): { readonly words: string[]; readonly empty: string[] } {
  const text = read(page);
  const start = text.indexOf(`\n${heading}\n`);
  expect(start, `${page} has "${heading}"`).toBeGreaterThanOrEqual(0);
  const table = text.slice(start).match(/(?:^\|.*\n)+/m)?.[0] ?? "";
  const rows = table.trim().split("\n").slice(2);
  const cells = rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return {
    words: [...new Set(cells.flatMap(([first = ""]) => /^`([^`]+)`/.exec(first)?.[1] ?? []))],
    empty: cells.filter((row) => row.some((cell) => cell === "")).map(([first = ""]) => first),
  };
}

describe("docs/errors.md says of each what happened, and of each kind what to do", () => {
  test.each([
    ["## The kinds", kinds],
    ["### Reasons to reauthorize", reauthorize],
    ["### Reasons of a flow", flow],
    ["### Reasons for gone", gone],
  ])("%s", (heading, words) => {
    const found = rowsUnder("docs/errors.md", heading);
    expect(found.words.toSorted()).toEqual(Object.keys(words).toSorted());
    expect(found.empty).toEqual([]);
  });
});

test("docs/how-to/operate.md tells of each event what it means", () => {
  const found = rowsUnder("docs/how-to/operate.md", "## What to watch");
  expect(found.words.toSorted()).toEqual(Object.keys(events).toSorted());
  expect(found.empty).toEqual([]);
});
