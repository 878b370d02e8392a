import { describe, expect, test } from "vitest";
import { apiFault } from "../src/faults.ts";
import { answer } from "./answer.ts";

const app = apiFault("stale_token");
const key = apiFault("configuration");
const html = { text: "<html></html>", mediaType: "text/html" };

describe("API errors", () => {
  test.each([
    [400, "configuration"],
    [401, "stale_token"],
    [402, "permission"],
    [403, "permission"],
    [429, "retry"],
    [500, "retry"],
    [502, "retry"],
    [503, "retry"],
  ])("%i is %s, with or without JSON", (status, kind) => {
    expect(app(answer(status))).toEqual({ kind });
    expect(app(answer(status, html))).toEqual({ kind });
    expect(app(answer(status, { json: null }))).toEqual({ kind });
    expect(app(answer(status, { json: { status, error: "Word", message: "Words." } }))).toEqual({
      kind,
      code: "Word",
      description: "Words.",
    });
    expect(app(answer(status, { json: { error: "word", error_description: "Words." } }))).toEqual({
      kind,
      code: "word",
      description: "Words.",
    });
  });

  test("G54 a 403 is a permission that the user does not have now, never a dead token", () => {
    expect(app(answer(403, { json: { error: "invalid_token" } }))?.kind).toBe("permission");
  });

  test("a key that is refused is the operator's affair: nothing renews it", () => {
    expect(key(answer(401))).toEqual({ kind: "configuration" });
    expect(key(answer(403))).toEqual({ kind: "permission" });
  });

  test("what is no error, or says nothing, is left alone", () => {
    for (const status of [200, 204, 304, 404, 409]) expect(app(answer(status, html))).toBeUndefined();
  });
});
