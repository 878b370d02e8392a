import { readdirSync, readFileSync } from "node:fs";
import { type AnyProvider, allowInsecureLoopback, type ConnectorError } from "@linkwright/core";
import { describe, expect, test } from "vitest";
import { createHandlers, type HandlerOptions } from "../src/index.ts";
import { house, origin } from "./support/house.ts";

describe("what is configured wrongly is said when the handlers are made", () => {
  const refused = async (options: object) => {
    await using h = await house();
    const given = { connector: h.connector, origin, owner: () => "ada", ...options };
    try {
      createHandlers(given as HandlerOptions<Readonly<Record<string, AnyProvider>>>);
    } catch (error) {
      expect((error as ConnectorError).fault).toEqual({ kind: "configuration" });
      return (error as ConnectorError).message;
    }
    throw new Error("it was taken");
  };

  test.each([
    ["https://app.example/", /is not an origin/],
    ["https://app.example/path", /is not an origin/],
    ["app.example", /is not an origin/],
    ["HTTPS://APP.EXAMPLE", /is not an origin/],
    ["https://user@app.example", /is not an origin/],
    [undefined, /is not an origin/],
    ["http://app.example", /is not https/],
    ["http://localhost:3000", /set \[allowInsecureLoopback\]: true/],
    [
      "https://other.example",
      /the redirect URI https:\/\/app\.example\/\S+ of registration "fiskil" is not at https:\/\/other\.example/,
    ],
  ])("origin %j", async (given, message) => {
    expect(await refused({ origin: given })).toMatch(message);
  });

  test("plain http beyond this machine is not allowed by the symbol either", async () => {
    for (const given of [
      "http://app.example",
      "http://192.168.0.7:3000",
      "http://localhost.evil.example",
      "http://127.0.0.1.evil.example",
    ])
      expect(await refused({ origin: given, [allowInsecureLoopback]: true })).toMatch(/is not https/);
  });

  test("and the symbol alone allows it, not a member of that name", async () => {
    expect(await refused({ origin: "http://localhost:3000", allowInsecureLoopback: true })).toMatch(/is not https/);
  });

  test("the rest", async () => {
    expect(await refused({ owner: undefined })).toMatch(/owner is missing/);
    expect(await refused({ owner: "ada" })).toMatch(/owner is missing/);
    for (const basePath of ["linkwright", "/linkwright/", "/a b", "//a", "/a?b"])
      expect(await refused({ basePath })).toMatch(/is not a path/);
    expect(await refused({ start: { bank: {} } })).toMatch(/start names "bank", which is no registration/);
    expect(await refused({ webhook: { bank: () => {} } })).toMatch(/webhook names "bank"/);
  });
});

test("the base path is the application's choice, the root included", async () => {
  for (const basePath of ["/links/bank", ""]) {
    await using h = await house({ basePath });
    const browser = h.browser("ada");
    expect((await browser.open(`${basePath}/connections`)).status).toBe(200);
    expect((await browser.open("/linkwright/connections")).status).toBe(404);
  }
});

test("G78 the package uses Web APIs alone", () => {
  const sources = readdirSync(new URL("../src", import.meta.url)).map((name) =>
    readFileSync(new URL(`../src/${name}`, import.meta.url), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ""),
  );
  expect(sources.length).toBeGreaterThan(15);
  for (const source of sources) {
    expect(source).not.toMatch(/["']node:|require\(|\bprocess\b|\bBuffer\b|\bsetImmediate\b/);
    expect(source).not.toMatch(/from "(?!\.\/|@linkwright\/core")/);
  }
});
