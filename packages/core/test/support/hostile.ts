import { type ConnectorError, isConnectorError } from "@linkwright/core";
import fc from "fast-check";
import { expect } from "vitest";
import { expectNoSecret } from "./watched.ts";

/** What strangers send: texts made to break out of a log, a terminal, a page or a parser, and sizes made to last. */

const tricks = [
  "<script>alert(1)</script>",
  "a\r\nSet-Cookie: b=c",
  "\u001b[2J\u001b]8;;https://evil.example\u0007",
  "\u202egnp.exe\u2066\ufeff\u200b",
  "{{constructor.constructor('return 1')()}}",
  "#{7*7}",
  "%00%0d%0a%",
  "__proto__",
  "constructor",
  "toString",
  "\ud800",
  "null",
  "[object Object]",
  "../../etc/passwd",
  "' OR 1=1 --",
  "((((((((((a+)+)+)+)+)+)+)+)+)+!",
];

/** Any text: every Unicode code unit, tricks alone and repeated, now and then hundreds of kilobytes. */
export const hostileText = (): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
    { weight: 4, arbitrary: fc.constantFrom(...tricks) },
    { weight: 2, arbitrary: fc.array(fc.constantFrom(...tricks), { maxLength: 6 }).map((parts) => parts.join("")) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...tricks, "x", "\\", "%", " ").map((part) => part.repeat(300_000 / part.length)),
    },
  );

/** Any JSON value, with names that mean something in objects and texts as above. */
export const hostileJson = (): fc.Arbitrary<unknown> =>
  fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      hostileText(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.oneof(fc.constantFrom(...tricks), fc.string({ maxLength: 12 })), tie("value"), { maxKeys: 5 }),
    ),
  })).value;

/** Any header value that a platform lets through. */
export const hostileHeader = (): fc.Arbitrary<string> =>
  hostileText().map((text) =>
    text
      .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "")
      .trim()
      .slice(0, 8000),
  );

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const unclean = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202f\u2066-\u2069\ufeff]/;

/**
 * The `ConnectorError` that `work` ends with: bounded, in clean text, without any of `secrets`. Whatever else it ends with fails
 * the test, a success included.
 */
export async function cleanRefusal(work: Promise<unknown>, secrets: readonly string[] = []): Promise<ConnectorError> {
  const error = await work.then(
    () => new Error("it succeeded"),
    (thrown: unknown) => thrown,
  );
  if (!isConnectorError(error)) throw error;
  expectClean(error, secrets);
  return error;
}

export function expectClean(error: ConnectorError, secrets: readonly string[] = []): void {
  const { message, details } = error;
  const texts = [
    message,
    ...Object.values(details).flatMap((detail) => (typeof detail === "object" ? Object.values(detail) : [detail])),
  ];
  for (const text of texts) expect(String(text)).not.toMatch(unclean);
  expect(JSON.stringify(error).length).toBeLessThan(4000);
  expectNoSecret(error, secrets);
}
