import { ConnectorError } from "@linkwright/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { house, onwardOf, origin } from "./support/house.ts";

const at = (registration: string) => `${origin}/linkwright/webhook/${registration}`;
const paid = { type: "invoice.paid", data: { id: 4819, status: "Paid" } };

describe("G75 a webhook", () => {
  test("is handled by the application, typed, and answered 204 afterwards", async () => {
    const handled: string[] = [];
    await using h = await house({
      webhook: { books: ({ event, connections }) => void handled.push(`${event.type} ${connections.length}`) },
    });
    const answer = await h.handlers.handler(h.books.webhooks.request(paid, { url: at("books") }));
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    expect(handled).toEqual(["invoice.paid 0"]);
  });

  test("ends a connection before it is answered, also where the application handles nothing", async () => {
    await using h = await house();
    const browser = h.browser("ada");
    const url = await onwardOf(await browser.submit("/linkwright/start/fiskil"));
    expect((await browser.open(await h.fiskil.consent(url))).status).toBe(303);
    const [connection] = await h.connectionsOf("ada");
    const [consent] = h.fiskil.consents.values();
    h.fiskil.withdrawConsent(consent?.arrangementId ?? "");
    const data = { event: "consent.revoked", end_user_id: consent?.endUserId, consent_id: consent?.consentId };
    const answer = await h.handlers.handler(h.fiskil.webhooks.request(data, { url: at("fiskil") }));
    expect(answer.status).toBe(204);
    expect(await connection?.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
  });

  test.each([
    ["fails", new Error("the queue is full")],
    [
      "fails with a fault of a connection's, which is not the message's",
      new ConnectorError({ kind: "protocol" }, "no"),
    ],
    ["fails with a fault that would be the sender's", new ConnectorError({ kind: "permission" }, "no")],
  ])("that the application %s stays unseen and is taken again", async (_, failure) => {
    let failing = true;
    const handled: boolean[] = [];
    await using h = await house({
      webhook: {
        books: async ({ duplicate }) => {
          await Promise.resolve();
          if (failing) throw failure;
          handled.push(duplicate);
        },
      },
    });
    const deliver = async () =>
      (await h.handlers.handler(h.books.webhooks.request(paid, { url: at("books"), messageId: "msg_1" }))).status;
    expect(await deliver()).toBe(500);
    expect(await deliver()).toBe(500);
    expect(h.errors).toEqual([failure, failure]);
    expect((await h.store.list({ prefix: "seen:", limit: 10 })).items).toEqual([]);
    failing = false;
    expect([await deliver(), await deliver()]).toEqual([204, 204]);
    expect(handled).toEqual([false]);
  });

  test.each(["wrong-key", "tampered", "missing", "stale"] as const)(
    "whose signature is %s is a 400 that says no more",
    async (signature) => {
      const handled: unknown[] = [];
      await using h = await house({ webhook: { books: (receipt) => handled.push(receipt) } });
      const answer = await h.handlers.handler(h.books.webhooks.request(paid, { url: at("books"), signature }));
      expect([answer.status, await answer.text()]).toEqual([400, ""]);
      expect(handled).toEqual([]);
      // The operator is told: it may be the secret that is wrong.
      expect(h.errors).toEqual([expect.objectContaining({ fault: { kind: "protocol" } })]);
    },
  );

  test("is verified over its bytes as they came", async () => {
    await using h = await house();
    const request = h.books.webhooks.request(paid, { url: at("books"), messageId: "msg_1" });
    const body = await request.clone().text();
    const spaced = new Request(request.clone(), { body: JSON.stringify(JSON.parse(body), null, 1) });
    expect((await h.handlers.handler(spaced)).status).toBe(400);
    expect((await h.handlers.handler(request)).status).toBe(204);
  });

  test("needs nobody signed in, and no origin; another method, another registration, another size do not pass", async () => {
    await using h = await house({ owner: () => undefined });
    const send = async (path: string, init: RequestInit) => {
      const answer = await h.handlers.handler(new Request(`${origin}/linkwright/webhook/${path}`, init));
      return [answer.status, answer.headers.get("allow"), await answer.text()];
    };
    expect(await send("books", { method: "GET" })).toEqual([405, "POST", ""]);
    expect(await send("none", { method: "POST" })).toEqual([404, null, ""]);
    // Flinks knows no webhooks.
    expect(await send("flinks", { method: "POST" })).toEqual([404, null, ""]);
    const body = new Uint8Array(1024 * 1024 + 1);
    expect(await send("books", { method: "POST", body, headers: { "content-length": String(body.length) } })).toEqual([
      413,
      null,
      "",
    ]);
    // A body that does not say how long it is, is given up on once it is too long.
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(64 * 1024));
      },
    });
    expect((await send("books", { method: "POST", body: endless, duplex: "half" } as RequestInit))[0]).toBe(400);
    expect(pulled).toBeLessThan(25);
  });

  test("of whatever bytes and headers, that nobody signed, is a 400 and leaves nothing behind", async () => {
    const handled: unknown[] = [];
    await using h = await house({ webhook: { books: (receipt) => handled.push(receipt) } });
    const header = fc.stringMatching(/^[ -~]{0,60}$/);
    const headers = fc.record({
      "webhook-id": header,
      "webhook-timestamp": fc.oneof(header, fc.constant(String(Math.floor(h.clock.now() / 1000)))),
      "webhook-signature": fc.oneof(
        header,
        fc.base64String().map((text) => `v1,${text}`),
      ),
      "x-fiskil-signature": fc.oneof(header, fc.base64String()),
    });
    const body = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => new TextEncoder().encode(text)),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("books", "fiskil"), headers, body, async (registration, given, bytes) => {
        const request = new Request(at(registration), { method: "POST", headers: given, body: new Uint8Array(bytes) });
        const answer = await h.handlers.handler(request);
        expect([answer.status, await answer.text()]).toEqual([400, ""]);
      }),
      { numRuns: 300 },
    );
    expect(handled).toEqual([]);
    expect((await h.store.list({ prefix: "", limit: 10 })).items).toEqual([]);
  });

  test.each([
    ["may not be asked after", 403, 500, [{ kind: "permission" }]],
    ["is of something that is not known any more", 404, 500, [{ kind: "gone", reason: "not_found" }]],
    ["cannot be asked after now", 503, 503, []],
  ])(
    "that is genuine and %s is asked for again; the operator hears of what will not pass",
    async (_, api, status, told) => {
      const handled: unknown[] = [];
      await using h = await house({ webhook: { fiskil: (receipt) => handled.push(receipt) } });
      const browser = h.browser("ada");
      await browser.open(await h.fiskil.consent(await onwardOf(await browser.submit("/linkwright/start/fiskil"))));
      const [consent] = h.fiskil.consents.values();
      const data = { event: "consent.revoked", end_user_id: consent?.endUserId, consent_id: consent?.consentId };
      const deliver = async () =>
        (await h.handlers.handler(h.fiskil.webhooks.request(data, { url: at("fiskil"), messageId: "msg_1" }))).status;
      h.fiskil.faults.always("status", { match: ({ path }) => !path.includes("token"), status: api });
      expect(await deliver()).toBe(status);
      expect(h.errors).toEqual(told.map((fault) => expect.objectContaining({ fault })));
      expect(handled).toEqual([]);
      h.fiskil.faults.clear();
      expect(await deliver()).toBe(204);
      expect(handled).toHaveLength(1);
    },
  );

  test("that finds the store away is asked for again", async () => {
    const handled: unknown[] = [];
    await using h = await house({ webhook: { books: (receipt) => handled.push(receipt) } });
    const { read } = h.store;
    h.store.read = () => Promise.reject(new Error("connection refused"));
    const request = () => h.books.webhooks.request(paid, { url: at("books"), messageId: "msg_1" });
    expect((await h.handlers.handler(request())).status).toBe(503);
    h.store.read = read;
    expect((await h.handlers.handler(request())).status).toBe(204);
    expect(handled).toHaveLength(1);
  });
});
