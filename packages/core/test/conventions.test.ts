import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/** What every file of the house keeps to, whoever writes it. */

const packages = fileURLToPath(new URL("../..", import.meta.url));

function sources(name: string): { readonly path: string; readonly text: string }[] {
  let entries: string[];
  try {
    entries = readdirSync(`${packages}${name}/src`, { recursive: true, encoding: "utf8" });
  } catch {
    return []; // A package that has no sources yet.
  }
  return entries
    .filter((path) => path.endsWith(".ts"))
    .map((path) => ({
      path: `${name}/src/${path}`,
      text: readFileSync(`${packages}${name}/src/${path}`, "utf8"),
    }));
}

const names = readdirSync(packages);
const core = sources("core");
/** What is published and compiled without the types of Node: it is meant for every runtime. */
const portableNames = names.filter((name) => {
  const read = (file: string) =>
    existsSync(`${packages}${name}/${file}`) ? readFileSync(`${packages}${name}/${file}`, "utf8") : "";
  return (
    read("tsconfig.json") !== "" &&
    !read("tsconfig.json").includes('"node"') &&
    !read("package.json").includes('"private"')
  );
});
const portable = portableNames.flatMap(sources);
const all = names.flatMap(sources);

/** The code without comments, so that a comment may speak of what the code may not do. */
const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");

const offending = (files: typeof all, pattern: RegExp, of = (text: string) => text) =>
  files.filter(({ text }) => pattern.test(of(text))).map(({ path }) => path);

test("the house is being looked at", () => {
  expect(core.length).toBeGreaterThan(30);
  expect(all.length).toBeGreaterThan(core.length);
});

test("core knows no provider by name", () => {
  expect(offending(core, /fiskil|fiskl|flinks/i)).toEqual([]);
});

describe("G78 core and adapters use Web APIs alone", () => {
  test("the portable packages are being looked at", () => {
    expect(portableNames).toEqual(expect.arrayContaining(["core", "fiskil", "fiskl", "flinks", "web"]));
    expect(portableNames).not.toContain("store-sqlite");
  });

  test.each([
    ["a Node built-in", /(from|import\()\s*["']node:|require\(/],
    ["process", /\bprocess\s*[.[]/],
    ["Buffer", /\bBuffer\b/],
    ["a global of Node's", /\b(setImmediate|__dirname|__filename)\b/],
  ])("no %s", (_, pattern) => {
    expect(offending(portable, pattern, code)).toEqual([]);
  });
});

test("G70 inside core a token is a Secret: only what leaves it, and what is on the wire, is text", () => {
  const plain = /\b(\w*[tT]oken|spare|clientSecret|codeVerifier)\??: (readonly )?string\b/;
  // What configuration and integrators give, and the flow's record, which is sealed as a whole.
  const allowed = [
    "core/src/transfer.ts",
    "core/src/flow-record.ts",
    "core/src/flow.ts",
    "core/src/grants/authorization-code.ts",
  ];
  expect(offending(core, plain, code).filter((path) => !allowed.includes(path))).toEqual([]);
});

test("core depends on nothing of this house, and every other portable package on core alone", () => {
  expect(offending(core, /from ["']@linkwright\//, code)).toEqual([]);
  const adapters = portableNames.filter((name) => name !== "core").flatMap(sources);
  expect(offending(adapters, /from ["']@linkwright\/(?!core["'])/, code)).toEqual([]);
});

test("no file is longer than 400 lines", () => {
  const long = all
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > 400);
  expect(long).toEqual([]);
});

test("exports are named", () => {
  expect(offending(all, /^export default\b|\bas default\b|^export \* from/m, code)).toEqual([]);
});
