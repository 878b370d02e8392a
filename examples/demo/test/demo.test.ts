import { expect, test } from "vitest";
import { demonstrate } from "../src/demonstration.ts";
import type { World } from "../src/world.ts";
import { child } from "./support/child.ts";

test("the demo keeps every promise, tells each step, and exits 0", async () => {
  const { code, output } = await child("../../src/main.ts").ended;
  const lines = output.trimEnd().split("\n");
  expect(lines.filter((line) => /^[✓✗]/.test(line))).toEqual([
    "✓ Link Fiskil, by consent",
    "✓ Link Fiskl, as a confidential app",
    "✓ Link Fiskl, as a public app",
    "✓ Link Flinks",
    "✓ Platform API: products",
    "✓ One API call on each connection",
    "✓ +61 minutes: 1,000 callers at once on an expired token",
    "✓ +15 minutes: Fiskil mints again",
    "✓ +29 days with nobody calling: maintenance keeps Flinks alive",
    "✓ A consent is withdrawn at the bank",
    "✓ A grant is refused",
    "✓ Disconnect all",
  ]);
  expect(lines).toContain("    1,000 callers in two instances on one SQLite file, one new token; token requests: 1");
  expect(lines).toContain("    refused once, and remembered; the page says: Needs you (revoked); token requests: 1");
  const table = lines.slice(
    lines.findIndex((line) => line.startsWith("registration")),
    -2,
  );
  expect(table.map((line) => line.split(/ {2,}/).filter((_, column) => column !== 2))).toEqual([
    ["registration", "grant", "token requests", "API calls", "status"],
    [
      "fiskil",
      "consent, client credentials",
      "4",
      expect.stringMatching(/^\d+$/),
      "healthy → ended (consent_ended) → disconnected",
    ],
    ["platform", "client credentials", "1", "7", "the application's own"],
    ["books", "code, secret and PKCE", "2", "1", "healthy → disconnected"],
    ["desk", "code, PKCE alone", "3", "2", "healthy → reauthorize (revoked) → healthy → disconnected"],
    ["flinks", "code, fixed refresh token", "3", "2", "healthy → disconnected"],
  ]);
  expect(lines.at(-1)).toMatch(/^Every promise was kept, in [\d.]+ s\.$/);
  expect(code).toBe(0);
});

test("a broken promise is told in a line, and the process exits 1", async () => {
  const { code, output } = await child("./sabotaged.ts").ended;
  expect(output.trimEnd().split("\n").slice(-2)).toEqual([
    "✗ +29 days with nobody calling: maintenance keeps Flinks alive",
    expect.stringMatching(/^ {4}day \d+: rows that maintenance failed on: promised 0, found 1$/),
  ]);
  expect(code).toBe(1);
});

const sabotages: readonly { what: string; prepare: (world: World) => unknown; told: readonly [string, RegExp] }[] = [
  {
    what: "webhooks that do not arrive",
    prepare: ({ simulators }) => {
      simulators.fiskil.webhooks.url = undefined;
    },
    told: ["✗ Link Fiskil, by consent", /answers to Fiskil's webhooks: promised \[204\], found \[\]/],
  },
  {
    what: "a product that stays",
    prepare: ({ simulators }) =>
      simulators.fiskil.faults.always("answer", { method: "DELETE", path: /products/, body: {} }),
    told: ["✗ Platform API: products", /products after deleting: promised \[\], found \["saver-1: Rainy Day Saver"\]/],
  },
  {
    what: "a renewal that takes two requests",
    prepare: ({ simulators }) => simulators.fiskl.faults.next("refused-before", { grantType: "refresh_token" }),
    told: ["✗ +61 minutes: 1,000 callers at once on an expired token", /token requests: promised 1, found 2/],
  },
  {
    what: "a consent that Fiskil keeps",
    prepare: ({ simulators }) =>
      simulators.fiskil.faults.always("status", { method: "DELETE", path: /consent/, status: 503 }),
    told: ["✗ Disconnect all", /fiskil: disconnected: promised true, found false/],
  },
];

test.each(sabotages)(
  "$what: noticed at the step that promises otherwise",
  async ({ prepare, told: [step, detail] }) => {
    const lines: string[] = [];
    expect(await demonstrate({ print: (line) => lines.push(line), prepare })).toBe(1);
    const [title, said] = lines.slice(-2).map(withoutStyle);
    expect(title).toBe(step);
    expect(said).toMatch(detail);
  },
);

test("nothing secret is printed", async () => {
  const lines: string[] = [];
  let world: World | undefined;
  await demonstrate({
    print: (line) => lines.push(line),
    prepare(opened) {
      world = opened;
    },
  });
  const { fiskil, fiskl, flinks } = world?.simulators ?? {};
  const entries = [fiskil, fiskl, flinks].flatMap((simulator) => simulator?.journal.entries ?? []);
  const secrets = entries.flatMap(({ headers, form, json, query }) => [
    headers.authorization?.split(" ")[1],
    ...[form, json as Record<string, string> | undefined, query].flatMap((members) => [
      members?.refresh_token,
      members?.client_secret,
      members?.code,
      members?.code_verifier,
      members?.state,
    ]),
  ]);
  const known = [...new Set(secrets.filter((secret) => secret !== undefined))];
  expect(known.length).toBeGreaterThan(20);
  expect(known.filter((secret) => lines.some((line) => line.includes(secret)))).toEqual([]);
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const withoutStyle = (line: string): string => line.replace(/\u001b\[\d+m/g, "");
