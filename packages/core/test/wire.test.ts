import { virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { exchange, type Fetch, readAnswer, WireFailure } from "../src/wire.ts";

/** One exchange on the wire, with a transport that does as told. */

const request = { url: "https://bank.test/token", method: "POST", headers: new Headers({ a: "b" }), body: "x=1" };
const limits = { deadline: 2_000, size: 10 };
const bytes = (text: string) => new TextEncoder().encode(text);

function body(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

async function failing(error: unknown): Promise<WireFailure> {
  const fetch: Fetch = () => Promise.reject(error);
  const failure = await exchange(fetch, virtualClock(), request, limits).catch((caught: unknown) => caught);
  expect(failure).toBeInstanceOf(WireFailure);
  return failure as WireFailure;
}

const coded = (code: unknown, cause?: unknown) => Object.assign(new Error("no"), { code, cause });

test("a request goes out as it was made, and no redirect is followed", async () => {
  const sent: [string, RequestInit][] = [];
  const fetch: Fetch = async (url, init) => {
    sent.push([url, init]);
    return new Response("ok");
  };
  expect(await exchange(fetch, virtualClock(), request, limits)).toMatchObject({ status: 200, text: "ok" });
  expect(sent[0]?.[0]).toBe("https://bank.test/token");
  expect(sent[0]?.[1]).toMatchObject({ method: "POST", body: "x=1", redirect: "manual" });
  const bare: RequestInit[] = [];
  const note: Fetch = async (_url, init) => {
    bare.push(init);
    return new Response(null);
  };
  const { body: _body, ...without } = request;
  await exchange(note, virtualClock(), without, limits);
  expect(bare[0]?.body).toBeNull();
});

test("G08 G51 what takes longer than the deadline is given up, and said so", async () => {
  const clock = virtualClock();
  const fetch: Fetch = (_url, { signal }) =>
    new Promise((_, reject) =>
      signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError"))),
    );
  const attempt = exchange(fetch, clock, request, limits).catch((error: unknown) => error);
  await clock.advance(1_999);
  await clock.advance(1);
  expect(await attempt).toMatchObject({ phase: "lost", message: "no complete answer within 2 s", code: undefined });
});

test("a finished exchange leaves no timer behind", async () => {
  const timers = new Set<number>();
  let count = 0;
  const clock = {
    ...virtualClock(),
    after: () => {
      const timer = ++count;
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  await exchange(async () => new Response("ok"), clock, request, limits);
  await exchange(() => Promise.reject(new Error("no")), clock, request, limits).catch(() => {});
  expect(count).toBe(2);
  expect(timers.size).toBe(0);
});

test("G51 a body is put together from its parts, in order, and read to its bound", async () => {
  const euro = bytes("€");
  const parts = body(bytes("a"), euro.slice(0, 1), euro.slice(1), bytes("bcdef"));
  expect((await readAnswer(new Response(parts), 10)).text).toBe("a€bcdef");
  expect((await readAnswer(new Response("0123456789"), 10)).text).toBe("0123456789");
  await expect(readAnswer(new Response("0123456789a"), 10)).rejects.toMatchObject({
    phase: "lost",
    message: "an answer of more than 10 bytes",
  });
  expect((await readAnswer(new Response(null, { status: 204 }), 10)).text).toBe("");
});

test("JSON is read whatever it calls itself, and what is none is left as text", async () => {
  const answer = await readAnswer(
    new Response('{"a":1}', { headers: { "content-type": "Text/Plain ; charset=utf-8" } }),
    100,
  );
  expect(answer).toMatchObject({ mediaType: "text/plain", json: { a: 1 }, text: '{"a":1}' });
  const page = await readAnswer(new Response("<html>", { headers: { "content-type": "text/html" } }), 100);
  expect(page).toMatchObject({ mediaType: "text/html", text: "<html>" });
  expect(page.json).toBeUndefined();
  expect((await readAnswer(new Response(bytes("x")), 100)).mediaType).toBe("");
});

test("G49 a redirect that the platform hides is one all the same", async () => {
  const hidden = { type: "opaqueredirect", status: 0, headers: new Headers(), body: null } as unknown as Response;
  expect((await readAnswer(hidden, 10)).status).toBe(302);
});

test.each([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE",
  "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
])("G19 %s: nothing was sent", async (code) => {
  expect(await failing(new TypeError("fetch failed", { cause: coded(code) }))).toMatchObject({
    phase: "unsent",
    code,
    message: code,
  });
});

test.each([
  "ECONNRESET",
  "UND_ERR_SOCKET",
  "EPIPE",
  "NOT_ECONNREFUSED",
  "EPROTO",
  "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC",
  "ERR_SSL_SSL/TLS_ALERT_BAD_RECORD_MAC",
])("G19 %s: an answer may have been lost", async (code) => {
  expect(await failing(new TypeError("fetch failed", { cause: coded(code) }))).toMatchObject({
    phase: "lost",
    code,
    message: code,
  });
});

test("where the platform does not say what failed, an answer may have been lost", async () => {
  expect(await failing(new TypeError("fetch failed"))).toMatchObject({
    phase: "lost",
    message: "TypeError: fetch failed",
    code: undefined,
  });
  expect(await failing(coded(5))).toMatchObject({ phase: "lost", code: undefined });
  expect(await failing("nothing")).toMatchObject({ phase: "lost", message: "nothing" });
});

test("the code is found behind causes and in the first of several errors, but not for ever", async () => {
  const several = new AggregateError([coded("ECONNREFUSED"), coded("ECONNRESET")]);
  expect(await failing(new TypeError("fetch failed", { cause: several }))).toMatchObject({
    phase: "unsent",
    code: "ECONNREFUSED",
  });
  let deep: unknown = coded("ECONNREFUSED");
  for (let depth = 0; depth < 4; depth++) deep = coded(undefined, deep);
  expect((await failing(deep)).code).toBe("ECONNREFUSED");
  expect((await failing(coded(undefined, deep))).code).toBeUndefined();
});

test("a failure of the wire stays what it is", async () => {
  const failure = new WireFailure("unsent", "as it was", "CODE");
  expect(await failing(failure)).toBe(failure);
});

test("G19 an error that tells nothing, to its very cause, is an answer that may be lost", async () => {
  for (const told of [null, undefined, "no", { cause: null }, coded(1, null), coded("ERR_SSL_WRONG_VERSION_NUMBER_2")])
    expect((await failing(told)).phase).toBe("lost");
});
