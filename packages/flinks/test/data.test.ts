import { describe, expect, test } from "vitest";
import { dataFault } from "../src/data.ts";
import { answer } from "./answer.ts";

const fault = dataFault(["/api/fdx/5/accounts"]);
const fdx = (code: number | string, status: number) =>
  fault(answer(status, { json: { code, message: "words", debugMessage: "more words" } }));

describe("FDX codes", () => {
  test.each([
    [401, 400, "configuration"],
    [403, 403, "permission"],
    [500, 500, "retry"],
    [501, 405, "permission"],
    [503, 503, "retry"],
    [601, 404, "permission"],
    [701, 404, "permission"],
    [702, 400, "configuration"],
    [703, 400, "configuration"],
    [704, 422, "permission"],
    [705, 409, "permission"],
    [800, 404, "permission"],
    [801, 400, "permission"],
    [802, 404, "permission"],
    [1107, 404, "permission"],
    [1203, 406, "configuration"],
    [1207, 429, "retry"],
    [1207, 422, "retry"],
    [1207, 400, "retry"],
    [1207, 401, "retry"],
    [1207, 403, "retry"],
    [701, 401, "permission"],
    [702, 401, "configuration"],
  ] as const)("%i at status %i is %s", (code, status, kind) => {
    expect(fdx(code, status)).toEqual({ kind, code: String(code), description: "words" });
  });

  test.each([401, 403])("G74 602 at %i ends the consent if the probe agrees, and is never a stale token", (status) => {
    const expected = {
      kind: "reauthorize",
      reason: "consent_ended",
      confirmAt: ["/api/fdx/5/accounts"],
      code: "602",
      description: "words",
    };
    expect(fdx(602, status)).toEqual(expected);
    expect(fdx("602", status)).toEqual(expected);
  });

  test("an unknown code is left to the status", () => {
    expect(fdx(999, 404)).toBeUndefined();
    expect(fdx(999, 403)).toBeUndefined();
    expect(fdx(999, 400)).toBeUndefined();
    expect(fdx(999, 401)?.kind).toBe("stale_token");
  });

  test("G40 both support handles are kept", () => {
    const headers = { "ob-correlation-id": "corr-1", "ob-trace-id": "trace-1" };
    const reading = fault(answer(404, { json: { code: 701, message: "no" }, headers }));
    expect(reading?.support).toEqual({ "ob-correlation-id": "corr-1", "ob-trace-id": "trace-1" });
  });
});

describe("a bad access token", () => {
  test.each([401, 403])("G54 %i with a message alone", (status) => {
    expect(fault(answer(status, { json: { message: "Unauthorized" } }))).toEqual({
      kind: "stale_token",
      description: "Unauthorized",
    });
    expect(fault(answer(status, { text: "Unauthorized", mediaType: "text/plain" }))).toEqual({ kind: "stale_token" });
  });

  test("a 403 that says more, nothing, or comes from something in between is no stale token", () => {
    expect(fdx(403, 403)?.kind).toBe("permission");
    expect(fault(answer(403, { json: { message: "no", debugMessage: "scope" } }))).toBeUndefined();
    expect(fault(answer(403, { json: { error: "access_denied" } }))).toBeUndefined();
    expect(fault(answer(403))).toBeUndefined();
    expect(fault(answer(403, { text: "<html>", mediaType: "text/html" }))).toBeUndefined();
  });

  test("at 400 on app management and revocation, where nothing else is said", () => {
    expect(fault(answer(400))).toEqual({ kind: "stale_token" });
    expect(fault(answer(400, { json: { message: "Bad Request" } }))).toEqual({
      kind: "stale_token",
      description: "Bad Request",
    });
    expect(fault(answer(400, { json: { error: "invalid_request", error_description: "expired" } }))).toEqual({
      kind: "stale_token",
      code: "invalid_request",
      description: "expired",
    });
  });

  test("but not where the code names another cause", () => {
    for (const code of [401, 702, 703, 801]) expect(fdx(code, 400)?.kind).not.toBe("stale_token");
    expect(fault(answer(400, { json: { error: "invalid_scope" } }))).toEqual({
      kind: "configuration",
      code: "invalid_scope",
    });
    expect(fault(answer(400, { json: { error: "unauthorized_client" } }))?.kind).toBe("configuration");
    expect(fault(answer(400, { text: "<html>", mediaType: "text/html" }))).toBeUndefined();
  });
});

test("G32 a failing or busy server tells nothing of the grant", () => {
  for (const status of [500, 502, 503, 504, 429])
    for (const body of [{}, { text: "<html>", mediaType: "text/html" }, { json: { code: 602, message: "" } }])
      expect(fault(answer(status, body))?.kind).toBe("retry");
});

test("an answer that is no error is not read as one, whatever its members are called", () => {
  expect(fault(answer(200, { json: { code: 602, message: "words" } }))).toBeUndefined();
  expect(fault(answer(204))).toBeUndefined();
});
