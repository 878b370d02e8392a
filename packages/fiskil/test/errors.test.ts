import { describe, expect, test } from "vitest";
import { adapter, answer } from "./adapter.ts";

const { fault: read } = adapter();
const made = {
  method: "GET",
  url: new URL("https://api.fiskil.com/v1/banking/accounts"),
  bearer: "connection",
} as const;
const fault = (given: Parameters<typeof read>[0]) => read(given, made);

const goa = (name: string, more: object = {}) => ({
  name,
  id: "err_9",
  message: "said",
  temporary: false,
  timeout: false,
  fault: false,
  ...more,
});

describe("API errors", () => {
  test.each([
    ["401", 401, goa("unauthorized"), "stale_token"],
    ["401 without a body", 401, undefined, "stale_token"],
    ["403 of the Data API", 403, goa("insufficient_scopes"), "permission"],
    ["403 of the Platform API", 403, { error: "insufficient_scope", error_description: "said" }, "permission"],
    ["404 of an end user", 404, goa("end_user_not_found"), "gone"],
    ["404 of anything else", 404, goa("not_found"), "gone"],
    ["404 without a body", 404, undefined, "gone"],
    ["400", 400, goa("bad_request"), "configuration"],
    ["400 of an unknown institution", 400, goa("invalid_institution_id"), "configuration"],
    ["400 of an end user that exists", 400, goa("end_user_already_exists"), "configuration"],
    ["G30 429", 429, goa("rate_limited"), "retry"],
    ["G32 500", 500, goa("internal", { fault: true }), "retry"],
    ["502 of a bank that is down", 502, { id: "e", name: "upstream", message: "m" }, "retry"],
    ["G30 503", 503, undefined, "retry"],
    ["G32 503 that says end_user_not_found", 503, goa("end_user_not_found"), "retry"],
    ["404 that goa calls temporary", 404, goa("end_user_not_found", { temporary: true }), "retry"],
    ["400 that goa calls a timeout", 400, goa("timeout", { timeout: true }), "retry"],
    ["a success", 200, goa("unauthorized"), undefined],
    ["an HTML page", 403, "<html>", "permission"],
    ["flags that are no booleans", 403, goa("x", { temporary: "yes" }), "permission"],
  ])("%s", (_name, status, json, kind) => {
    expect(fault(answer(status, json))?.kind).toBe(kind);
  });

  test("G40 goa, short, RFC-like and CDR bodies are read alike", () => {
    expect(fault(answer(403, goa("insufficient_scopes")))).toEqual({
      kind: "permission",
      code: "insufficient_scopes",
      description: "said",
      support: { error_id: "err_9" },
    });
    expect(fault(answer(404, goa("not_found")))).toEqual({
      kind: "gone",
      code: "not_found",
      description: "said",
      support: { error_id: "err_9" },
    });
    expect(fault(answer(403, { id: "err_9", name: "short", message: "said" }))).toEqual({
      kind: "permission",
      code: "short",
      description: "said",
      support: { error_id: "err_9" },
    });
    expect(fault(answer(403, { error: "insufficient_scope", error_description: "said" }))).toEqual({
      kind: "permission",
      code: "insufficient_scope",
      description: "said",
    });
    expect(
      fault(answer(422, { errors: [{ code: "urn:au-cds:error:cds-all:Field/Invalid", title: "t", detail: "d" }] })),
    ).toEqual({
      kind: "configuration",
      code: "urn:au-cds:error:cds-all:Field/Invalid",
      description: "d",
    });
  });

  test("members of the wrong type are left out", () => {
    const json = { name: 7, id: {}, message: null, errors: "none" };
    expect(fault(answer(403, json))).toEqual({ kind: "permission" });
  });
});
