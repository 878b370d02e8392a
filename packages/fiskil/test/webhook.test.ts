import { createHmac } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, expectTypeOf, test, vi } from "vitest";
import type { ConsentEvent, FiskilEvent, SyncEvent } from "../src/index.ts";
import { adapter, canary, failure, now } from "./adapter.ts";

const secret = canary.webhookSecret;
const body =
  '{"delivery_attempt":1,"publish_time":"2026-01-15T02:03:04.567Z","message_id":"7000000000000001","data":{"event":"consent.received","end_user_id":"eu_TESTenduser000000000000001","client_id":"team_test_0001","institution_id":"88888","consent_id":"11111111-2222-4333-8444-555555555555"}}';
const signature = "atnssKACwa4w4keWWG0ULMhEpxzD2yfxmOFTb2EO7n4=";
const hex = "b6738076b26b38cea8189b1c3fce6b45e896ae14decc953c1fa2f81353e3fd19";

const { read } = adapter({ webhookSecret: secret });

function message(text: string | Uint8Array<ArrayBuffer>, signed: string | undefined, at = now) {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return { body: bytes, headers: new Headers(signed === undefined ? {} : { "X-Fiskil-Signature": signed }), now: at };
}

const sign = (text: string | Uint8Array, key = secret) =>
  createHmac("sha256", Buffer.from(key, "base64")).update(text).digest("base64");
const dated = { publish_time: new Date(now).toISOString() };
const signed = (value: unknown) => message(JSON.stringify(value), sign(JSON.stringify(value)));

describe("signature", () => {
  test("G75 the known answer is accepted", async () => {
    const { id, event } = await read(message(body, signature));
    expect(id).toBe("7000000000000001");
    expect(event).toEqual({
      type: "consent.received",
      messageId: "7000000000000001",
      deliveryAttempt: 1,
      publishedAt: Date.UTC(2026, 0, 15, 2, 3, 4, 567),
      endUserId: "eu_TESTenduser000000000000001",
      clientId: "team_test_0001",
      institutionId: "88888",
      consentId: "11111111-2222-4333-8444-555555555555",
      data: JSON.parse(body).data,
    });
  });

  const bytes = Buffer.from(signature, "base64");
  const flipped = Buffer.from(bytes.map((byte, index) => (index === 31 ? byte ^ 1 : byte))).toString("base64");

  test.each([
    ["no signature", undefined],
    ["an empty one", ""],
    ["the raw secret in hexadecimal, as the copy-paste page has it", hex],
    ["the raw secret in base64", Buffer.from(hex, "hex").toString("base64")],
    ["the right one in hexadecimal", bytes.toString("hex")],
    ["one bit flipped", flipped],
    ["the first half", bytes.subarray(0, 16).toString("base64")],
    ["one byte more", Buffer.concat([bytes, Buffer.of(0)]).toString("base64")],
    ["a prefix", `sha256=${signature}`],
    ["two of them", `${signature}, ${signature}`],
    ["no base64", "!!!"],
    ["the literal key of the OpenSSL recipe", createHmac("sha256", "secret.key").update(body).digest("base64")],
    ["another secret", sign(body, "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=")],
  ])("G75 %s is refused", async (_name, value) => {
    const error = await failure(() => read(message(body, value)));
    expect(error.fault).toEqual({ kind: "protocol" });
    expect(error.message).toMatch(/^fiskil: this webhook message was refused: its signature/);
  });

  test("G75 a signature over re-serialised JSON is refused", async () => {
    const respaced = JSON.stringify(JSON.parse(body), null, 1);
    await failure(() => read(message(body, sign(respaced))));
    await failure(() => read(message(respaced, signature)));
    expect((await read(message(respaced, sign(respaced)))).id).toBe("7000000000000001");
  });

  test("G75 nothing is parsed before it is verified", async () => {
    const error = await failure(() => read(message("{not json", signature)));
    expect(error.message).toContain("signature");
  });

  test("G75 the comparison is WebCrypto's, which takes the same time for every signature", async () => {
    const verify = vi.spyOn(crypto.subtle, "verify");
    for (const value of [signature, flipped]) await read(message(body, value)).catch(() => {});
    expect(
      verify.mock.calls.map(([algorithm, , given, over]) => [algorithm, Buffer.from(given as Uint8Array), over]),
    ).toEqual(
      [signature, flipped].map((value) => ["HMAC", Buffer.from(value, "base64"), new TextEncoder().encode(body)]),
    );
    verify.mockRestore();
  });

  test("G75 the bytes count, not the text: a byte-order mark and invalid UTF-8 are signed as they are", async () => {
    const marked = new Uint8Array([0xef, 0xbb, 0xbf, ...new TextEncoder().encode(body)]);
    await failure(() => read(message(marked, signature)));
    const garbled = new Uint8Array([0x7b, 0xff, 0x7d]);
    const error = await failure(() => read(message(garbled, sign(garbled))));
    expect(error.message).toContain("it is signed");
  });

  test("each delivery has a signature of its own, and one message id", async () => {
    const again = body.replace('"delivery_attempt":1', '"delivery_attempt":2');
    await failure(() => read(message(again, signature)));
    const { id, event } = await read(message(again, sign(again)));
    expect([id, event.deliveryAttempt]).toEqual(["7000000000000001", 2]);
  });

  test("the secret may come from a function, anew each time", async () => {
    const keys = ["BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=", secret];
    const rotating = adapter({ webhookSecret: () => keys.shift() ?? "" });
    await failure(() => rotating.read(message(body, signature)));
    expect((await rotating.read(message(body, signature))).id).toBe("7000000000000001");
  });

  test.each([
    ["missing", {}],
    ["not base64", { webhookSecret: "not base64!" }],
    ["empty when asked for", { webhookSecret: () => "" }],
  ])("a webhookSecret that is %s is a matter of configuration", async (_name, more) => {
    const error = await failure(() => adapter(more).read(message(body, signature)));
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.message).toMatch(/^fiskil: option webhookSecret/);
  });

  test("G70 no error shows the secret or the right signature", async () => {
    for (const value of [undefined, hex, flipped]) {
      const error = await failure(() => read(message(body, value)));
      const shown = inspect(error, { depth: 10 }) + JSON.stringify(error);
      expect(shown).not.toContain(secret);
      expect(shown).not.toContain(signature);
    }
  });
});

describe("envelope", () => {
  test.each([
    ["no object", []],
    ["no message_id", { data: { event: "consent.received" } }],
    ["an empty message_id", { message_id: "", data: {} }],
  ])("signed, with %s: refused as not a message", async (_name, value) => {
    const error = await failure(() => read(signed(value)));
    expect(error.fault).toEqual({ kind: "protocol" });
    expect(error.message).toContain("it is signed");
  });

  test("G75 a copy of a message that is a day old is refused, before its id is forgotten", async () => {
    const published = Date.UTC(2026, 0, 15, 2, 3, 4, 567);
    for (const at of [published + 86_400_000, published - 86_400_000])
      expect((await read(message(body, signature, at))).id).toBe("7000000000000001");
    for (const at of [published + 86_400_001, published - 86_400_001, published + 365 * 86_400_000]) {
      const error = await failure(() => read(message(body, signature, at)));
      expect(error.fault).toEqual({ kind: "protocol" });
      expect(error.message).toContain("webhookTolerance");
    }
  });

  test.each([undefined, "", "soon", 1768442584, null])(
    "G75 a message published at %j is refused",
    async (publish_time) => {
      const error = await failure(() => read(signed({ publish_time, message_id: "1", data: {} })));
      expect(error.message).toContain("does not say when");
    },
  );

  test("G75 webhookTolerance sets the window, between what deliveries need and what is remembered", async () => {
    const strict = adapter({ webhookSecret: secret, webhookTolerance: 7200 });
    const published = Date.UTC(2026, 0, 15, 2, 3, 4, 567);
    expect((await strict.read(message(body, signature, published + 7_200_000))).id).toBe("7000000000000001");
    await failure(() => strict.read(message(body, signature, published + 7_200_001)));
    for (const webhookTolerance of [3599, 604_801, Number.POSITIVE_INFINITY, Number.NaN])
      await failure(() => adapter({ webhookTolerance }));
  });
});

describe("events", () => {
  const of = async (data: unknown) => read(signed({ ...dated, message_id: "1", data }));

  test("data that can be read now", async () => {
    const { event, effects } = await of({
      event: "banking.accounts.sync.completed",
      end_user_id: "eu_x1",
      institution_id: "88888",
      account_ids: ["acc-1", "acc-2"],
    });
    expect(event).toMatchObject({
      type: "banking.accounts.sync.completed",
      endUserId: "eu_x1",
      accountIds: ["acc-1", "acc-2"],
    });
    expect(effects).toEqual([]);
    const payees = await of({ event: "banking.payees.sync.completed", end_user_id: "eu_x1", payee_ids: ["p"] });
    expect(payees.event).toMatchObject({ payeeIds: ["p"], accountIds: undefined });
  });

  test.each([
    [
      "a name that is not documented",
      { event: "banking.transactions.sync.failed", end_user_id: "eu_x1" },
      "banking.transactions.sync.failed",
    ],
    ["no name, as in one of the samples", { end_user_id: "eu_x1" }, ""],
    ["a consent event without its end user", { event: "consent.received", consent_id: "c" }, "consent.received"],
    ["a name that only begins like one", { event: "consent.received.v2", end_user_id: "eu_x1" }, "consent.received.v2"],
  ])("%s is unknown, and has no effect", async (_name, data, name) => {
    const { event, effects } = await of(data);
    expect(event).toMatchObject({ type: "unknown", name, data });
    expect(effects).toEqual([]);
  });

  test("data that is no object", async () => {
    expect((await of("none")).event).toEqual({
      type: "unknown",
      name: "",
      messageId: "1",
      data: {},
      endUserId: undefined,
      deliveryAttempt: undefined,
      publishedAt: now,
    });
  });

  test("the union narrows", () => {
    const narrow = (event: FiskilEvent) => {
      switch (event.type) {
        case "consent.revoked":
          expectTypeOf(event).toEqualTypeOf<ConsentEvent>();
          return event.consentId;
        case "banking.accounts.sync.completed":
          expectTypeOf(event).toEqualTypeOf<SyncEvent>();
          return event.accountIds;
        case "unknown":
          return event.name;
        default:
          return event.messageId;
      }
    };
    expect(narrow({ type: "unknown", name: "n", messageId: "m", data: {} })).toBe("n");
  });
});

describe("effects", () => {
  const effects = async (data: unknown, delivery_attempt: unknown = 1) =>
    (await read(signed({ ...dated, delivery_attempt, message_id: "1", data }))).effects;

  test.each(["consent.received", "consent.updated"])("G75 %s asks, and concludes nothing", async (event) => {
    expect(await effects({ event, end_user_id: "eu_x1", institution_id: "88888", consent_id: "c1" })).toEqual([
      {
        ref: "end_user:eu_x1",
        effect: "confirm",
        hint: { consentId: "c1", institutionId: "88888", publishedAt: String(now) },
      },
    ]);
    expect(await effects({ event, end_user_id: "eu_x1" })).toEqual([
      { ref: "end_user:eu_x1", effect: "confirm", hint: { publishedAt: String(now) } },
    ]);
  });

  test.each([2, 5, 0, "1", null])(
    "G74 delivery %j may tell a time of its own, and names no consent",
    async (attempt) => {
      const data = { event: "consent.received", end_user_id: "eu_x1", institution_id: "88888", consent_id: "c1" };
      expect(await effects(data, attempt)).toEqual([
        { ref: "end_user:eu_x1", effect: "confirm", hint: { institutionId: "88888", publishedAt: String(now) } },
      ]);
    },
  );

  test("G74 consent.revoked ends the consent it names, and asks after the user's others", async () => {
    expect(
      await effects({ event: "consent.revoked", end_user_id: "eu_x1", institution_id: "88888", consent_id: "c1" }),
    ).toEqual([
      { ref: "consent:c1", effect: "ended", reason: "consent_ended" },
      { ref: "end_user:eu_x1", effect: "confirm" },
    ]);
  });

  test("G75 consent.revoked without a consent id only asks", async () => {
    expect(await effects({ event: "consent.revoked", end_user_id: "eu_x1" })).toEqual([
      { ref: "end_user:eu_x1", effect: "confirm" },
    ]);
  });
});
