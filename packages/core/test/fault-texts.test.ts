import { ConnectorError, isConnectorError } from "@linkwright/core";
import { expect, test } from "vitest";
import { describe as described, located, quote } from "../src/faults.ts";

/** What errors say: where, and what of a server's words. */

const plain = new ConnectorError({ kind: "store" }, "The store failed.", { code: "own" });

test("G40 an error learns where it happened, and what it says of itself stands", () => {
  const error = located(plain, { registration: "bank", connection: "c1", code: "other" });
  expect(error.message).toBe('The store failed. (registration "bank", connection c1)');
  expect(error.details).toEqual({ registration: "bank", connection: "c1", code: "own" });
  expect(error.fault).toEqual({ kind: "store" });
});

test("G40 a place that the message names already is not named again", () => {
  expect(located(plain, {}).message).toBe("The store failed.");
  expect(located(plain, { connection: "c1" }).message).toBe("The store failed. (connection c1)");
  expect(located(plain, { registration: "bank" }).message).toBe('The store failed. (registration "bank")');
  const named = new ConnectorError({ kind: "store" }, "The store failed at connection c1.");
  expect(located(named, { connection: "c1" }).message).toBe("The store failed at connection c1.");
  expect(located(named, { registration: "bank", connection: "c1" }).message).toBe(
    'The store failed at connection c1. (registration "bank")',
  );
});

test("C33 a server's words are bounded, on one line, and without control and direction characters", () => {
  expect(quote("  a\r\nb\u0000c\u001b[31md\u202ee\ufeff  ")).toBe("a b c [31md e");
  expect(quote("x".repeat(201))).toBe(`${"x".repeat(200)}…`);
  expect(quote("x".repeat(200))).toBe("x".repeat(200));
  expect(quote("abc", 2)).toBe("ab…");
  expect(quote("y".repeat(1_000_000), 5)).toBe("yyyyy…");
  expect(quote("kept")).toBe("kept");
});

test("G70 a secret is blotted out in each form that it could be written in", () => {
  const secret = 'a+b/%é"';
  for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
    expect(quote(`you sent <${form}>`, 200, [secret])).toBe("you sent <[secret]>");
  expect(quote("abcd abcd", 200, ["abcd"])).toBe("[secret] [secret]");
  // What is shorter than four characters would blot out words.
  expect(quote("abc", 200, ["abc"])).toBe("abc");
});

test("an unknown error is named by its class, code and text", () => {
  expect(described(Object.assign(new TypeError("no"), { code: "E1" }))).toBe("TypeError E1: no");
  expect(described(Object.assign(new Error("no"), { code: 5 }))).toBe("Error: no");
  expect(described(new Error("with s3cret inside"), ["s3cret"])).toBe("Error: with [secret] inside");
  expect(described("a text")).toBe("a text");
  expect(described("z".repeat(121))).toBe(`${"z".repeat(120)}…`);
  expect(described("s3cret", ["s3cret"])).toBe("[secret]");
});

test("only what carries the brand is an error of ours", () => {
  for (const other of [null, undefined, "text", 5, {}, new Error("no"), () => {}])
    expect(isConnectorError(other)).toBe(false);
  expect(isConnectorError(plain)).toBe(true);
});
