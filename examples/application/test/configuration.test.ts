import { readFileSync } from "node:fs";
import { isConnectorError } from "@linkwright/core";
import { buildConnector, type Environment, readConfiguration } from "@linkwright/example-application";
import { expect, test } from "vitest";

const key = Buffer.alloc(32, 7).toString("base64");

const own: Environment = {
  APP_ORIGIN: "https://app.example",
  LINKWRIGHT_DATABASE: "linkwright.db",
  LINKWRIGHT_KEYS: `new:${key},old:${key}`,
};

const complete: Environment = {
  ...own,
  FISKIL_CLIENT_ID: "key_1",
  FISKIL_CLIENT_SECRET: "hush-1",
  FISKIL_PLATFORM_CLIENT_ID: "key_2",
  FISKIL_PLATFORM_CLIENT_SECRET: "hush-2",
  FISKL_CONFIDENTIAL_CLIENT_ID: "app_1",
  FISKL_CONFIDENTIAL_CLIENT_SECRET: "hush-3",
  FISKL_PUBLIC_CLIENT_ID: "app_2",
  FLINKS_CLIENT_ID: "dc-1",
  FLINKS_CLIENT_SECRET: "hush-4",
};

const complaint = (environment: Environment): string => {
  try {
    buildConnector(readConfiguration(environment));
  } catch (error) {
    if (isConnectorError(error)) return `${error.fault.kind}: ${error.message}`;
    throw error;
  }
  return "none";
};

test("with credentials for the real providers, every registration has its own redirect URI and the real addresses", () => {
  const { registrations, banks } = readConfiguration(complete);
  expect(Object.entries(registrations).map(([name, { redirectUri }]) => [name, redirectUri])).toEqual([
    ["fiskil", "https://app.example/callback/fiskil"],
    ["platform", "https://app.example/callback/platform"],
    ["books", "https://app.example/callback/books"],
    ["desk", "https://app.example/callback/desk"],
    ["flinks", "https://app.example/callback/flinks"],
  ]);
  expect(registrations.books).toMatchObject({ client: "confidential", discovery: true });
  expect(banks).toEqual({ flinks: 1000 });
  expect(Object.keys(buildConnector(readConfiguration(complete)).providers)).toEqual([
    "fiskil",
    "platform",
    "books",
    "desk",
    "flinks",
  ]);
});

test("a provider without a client id is left out", () => {
  const { registrations } = readConfiguration({ ...complete, FLINKS_CLIENT_ID: "", FISKIL_CLIENT_ID: " " });
  expect(Object.keys(registrations)).toEqual(["platform", "books", "desk"]);
});

test("Fiskl's endpoints are taken as told, instead of being looked for", () => {
  const { registrations } = readConfiguration({
    ...complete,
    FISKL_AUTHORIZATION_ENDPOINT: "https://my.fiskl.example/authorize",
    FISKL_TOKEN_ENDPOINT: "https://my.fiskl.example/token",
  });
  expect(registrations.desk).toMatchObject({
    endpoints: { authorization: "https://my.fiskl.example/authorize", token: "https://my.fiskl.example/token" },
  });
  expect(registrations.desk).not.toHaveProperty("discovery");
});

test.each([
  [{ APP_ORIGIN: undefined }, "APP_ORIGIN is missing"],
  [{ APP_ORIGIN: "https://app.example/path" }, "APP_ORIGIN is no origin"],
  [{ LINKWRIGHT_DATABASE: "" }, "LINKWRIGHT_DATABASE is missing"],
  [{ LINKWRIGHT_KEYS: undefined }, "LINKWRIGHT_KEYS is missing"],
  [{ LINKWRIGHT_KEYS: "new:c2hvcnQ=" }, "LINKWRIGHT_KEYS holds an entry that is not id:base64 of 32 bytes"],
  [{ FISKIL_CLIENT_SECRET: undefined }, "FISKIL_CLIENT_SECRET is missing; it belongs to FISKIL_CLIENT_ID"],
  [{ FLINKS_CLIENT_SECRET: undefined }, "FLINKS_CLIENT_SECRET is missing; it belongs to FLINKS_CLIENT_ID"],
  [{ FLINKS_PROVIDER_ID: "first" }, "FLINKS_PROVIDER_ID is no whole number"],
  [{ APP_ORIGIN: "http://127.0.0.1:3000" }, "write http://localhost"],
  [{ FISKIL_BASE_URL: "http://api.fiskil.example" }, "baseUrl must be an https origin"],
])("what is wrong is named, and what remedies it: %o", (change, expected) => {
  const said = complaint({ ...complete, ...change });
  expect(said).toMatch(/^configuration: /);
  expect(said).toContain(expected);
  expect(said).not.toContain("hush-");
});

test("without any credentials the remedy is told", () => {
  expect(complaint(own)).toContain("register at least one provider");
});

test(".env.example names every variable that is read, and no other", () => {
  const read = new Set(["PORT", "HOST"]);
  const watched = new Proxy(complete, {
    get(target, name: string) {
      read.add(name);
      return target[name];
    },
  });
  readConfiguration(watched);
  const example = readFileSync(new URL("../../../.env.example", import.meta.url), "utf8");
  const named = [...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
  expect(named.toSorted()).toEqual([...read].toSorted());
});
