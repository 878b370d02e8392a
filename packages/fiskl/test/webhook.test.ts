import { createHmac } from "node:crypto";
import { isConnectorError, type SecretSource, type WebhookRequest } from "@linkwright/core";
import { describe, expect, test, vi } from "vitest";
import { eventTypes } from "../src/events.ts";
import { type FisklWebhookOptions, fiskl } from "../src/index.ts";

// The vector of the provider's notes.
const secret = "whsec_ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4";
const id = "msg_test_0001";
const timestamp = 1768442584;
const body =
  '{"id":"msg_test_0001","type":"invoice.paid","createdAt":"2026-01-15T02:03:04Z","data":{"id":4821,"status":"Paid"}}';
const signature = "v1,9tfSj8LdNH+CiKFlPf6hZY9g7wV+5f5Yg+BTEQhNb9U=";
const event = {
  id,
  type: "invoice.paid",
  name: "invoice.paid",
  createdAt: "2026-01-15T02:03:04Z",
  data: { id: 4821, status: "Paid" },
};

const otherSecret = `whsec_${Buffer.from("another key of 32 bytes, or so..").toString("base64")}`;

function sign(text: string, key = secret, of: { id?: string; timestamp?: number | string } = {}): string {
  const content = `${of.id ?? id}.${of.timestamp ?? timestamp}.${text}`;
  return `v1,${createHmac("sha256", Buffer.from(key.slice(6), "base64"))
    .update(content)
    .digest("base64")}`;
}

interface Message {
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly now?: number;
}

const request = (message: Message = {}): WebhookRequest => ({
  body: new TextEncoder().encode(message.body ?? body),
  headers: new Headers(
    message.headers ?? { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": signature },
  ),
  now: message.now ?? timestamp * 1000,
});

const reader = (webhook: FisklWebhookOptions | undefined) => {
  const read = fiskl({ client: "key", apiKey: "fsk_test", ...(webhook && { webhook }) }).webhook?.read;
  if (!read) throw new Error("no webhooks");
  return read;
};

const read = (message?: Message, secrets: SecretSource | readonly SecretSource[] = secret) =>
  reader({ secrets })(request(message));

async function refusal(work: Promise<unknown>): Promise<string | undefined> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isConnectorError(error)) throw new Error(`no ConnectorError: ${String(error)}`);
  expect(error.fault.kind).toBe("protocol");
  const shown = `${JSON.stringify(error)} ${error.stack}`;
  for (const hidden of [secret.slice(6), otherSecret.slice(6), signature.slice(3)]) expect(shown).not.toContain(hidden);
  return error.details.code;
}

const signed = (text: string) => ({
  body: text,
  headers: { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": sign(text) },
});

describe("G75 signatures", () => {
  test("the vector of the notes", async () => {
    expect(sign(body)).toBe(signature);
    expect(await read()).toEqual({ id, event, effects: [] });
  });

  test("under Svix's names", async () => {
    const headers = { "svix-id": id, "svix-timestamp": String(timestamp), "svix-signature": signature };
    expect((await read({ headers })).id).toBe(id);
  });

  test("any of several signatures and secrets, so that either side can rotate", async () => {
    const list = (value: string) => ({
      "webhook-id": id,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": value,
    });
    const both = `${sign(body, otherSecret)} ${signature}`;
    expect((await read({ headers: list(both) })).id).toBe(id);
    expect((await read({ headers: list(`v2,abc v1a,${signature.slice(3)} ${both}`) })).id).toBe(id);
    expect((await read({}, [otherSecret, secret])).id).toBe(id);
    expect((await read({}, [async () => otherSecret, () => secret])).id).toBe(id);
    expect(await refusal(read({}, otherSecret))).toBe("webhook_signature");
  });

  test("the message is known by the id that the signature covers", async () => {
    const headers = {
      "webhook-id": "msg_outer",
      "webhook-timestamp": String(timestamp),
      "webhook-signature": sign(body, secret, { id: "msg_outer" }),
    };
    expect(await read({ headers })).toEqual({ id: "msg_outer", event, effects: [] });
  });

  test("the time may differ by 300 s, or by what is told", async () => {
    for (const seconds of [-300, 0, 300]) expect((await read({ now: (timestamp + seconds) * 1000 })).id).toBe(id);
    for (const seconds of [-301, 301, 86_400])
      expect(await refusal(read({ now: (timestamp + seconds) * 1000 }))).toBe("webhook_signature");
    const strict = reader({ secrets: secret, tolerance: 10 });
    expect(await refusal(strict(request({ now: (timestamp + 11) * 1000 })))).toBe("webhook_signature");
    expect((await strict(request({ now: (timestamp + 10) * 1000 }))).id).toBe(id);
  });

  const good = { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": signature };
  const hex = Buffer.from(signature.slice(3), "base64").toString("hex");
  test.each([
    ["no headers", { headers: {} }],
    ["no id", { headers: { ...good, "webhook-id": "" } }],
    ["no timestamp", { headers: { "webhook-id": id, "webhook-signature": signature } }],
    ["no signature", { headers: { "webhook-id": id, "webhook-timestamp": String(timestamp) } }],
    ["an empty signature", { headers: { ...good, "webhook-signature": " " } }],
    ["another id", { headers: { ...good, "webhook-id": "msg_test_0002" } }],
    ["another time", { headers: { ...good, "webhook-timestamp": String(timestamp + 1) } }],
    ["a time that is no number", { headers: { ...good, "webhook-timestamp": "now" } }],
    ["a time with a fraction", { headers: { ...good, "webhook-timestamp": `${timestamp}.0` } }],
    ["a signature in hex", { headers: { ...good, "webhook-signature": `v1,${hex}` } }],
    ["a signature without its version", { headers: { ...good, "webhook-signature": signature.slice(3) } }],
    ["another version", { headers: { ...good, "webhook-signature": `v2,${signature.slice(3)}` } }],
    ["a shortened signature", { headers: { ...good, "webhook-signature": signature.slice(0, 20) } }],
    [
      "names of both kinds mixed",
      { headers: { "webhook-id": id, "svix-timestamp": String(timestamp), "svix-signature": signature } },
    ],
    ["another key", { headers: { ...good, "webhook-signature": sign(body, otherSecret) } }],
    ["a body written anew", { body: JSON.stringify(JSON.parse(body), undefined, 1) }],
    ["a body with a byte more", { body: `${body}\n` }],
    ["an empty body", { body: "" }],
    [
      "more signatures than rotation needs",
      { headers: { ...good, "webhook-signature": `${"v1,AAAA ".repeat(20)}${signature}` } },
    ],
    // Otherwise "a.1" + "5.body" and "a" + "1.5.body" would be signed alike.
    [
      "an id with a dot",
      { headers: { ...good, "webhook-id": "a.1", "webhook-signature": sign(body, secret, { id: "a.1" }) } },
    ],
  ] as [string, Message][])("refused: %s", async (_name, message) => {
    expect(await refusal(read(message))).toBe("webhook_signature");
  });

  test("the comparison is WebCrypto's, which takes the same time for every signature", async () => {
    const verify = vi.spyOn(crypto.subtle, "verify");
    const wrong = sign(body, otherSecret);
    await read();
    await refusal(read({ headers: { ...good, "webhook-signature": wrong } }));
    expect(verify.mock.calls.map(([algorithm, , given]) => [algorithm, Buffer.from(given as Uint8Array)])).toEqual(
      [signature, wrong].map((value) => ["HMAC", Buffer.from(value.slice(3), "base64")]),
    );
    verify.mockRestore();
  });

  test("nothing is parsed before it is verified", async () => {
    expect(await refusal(read({ body: "{" }))).toBe("webhook_signature");
    expect(await refusal(read(signed("{")))).toBe("webhook_body");
  });
});

describe("events", () => {
  test("the sixteen that are documented, by their names", async () => {
    expect(eventTypes).toHaveLength(16);
    for (const type of eventTypes) {
      const message = await read(signed(JSON.stringify({ id, type, createdAt: "2026-01-15T02:03:04Z", data: {} })));
      expect(message.event).toEqual({ id, type, name: type, createdAt: "2026-01-15T02:03:04Z", data: {} });
      expect(message.effects).toEqual([]);
    }
  });

  test("one that Fiskl adds later arrives as unknown, with its name", async () => {
    const { event } = await read(signed(JSON.stringify({ id, type: "bill.created", createdAt: "x", data: { id: 1 } })));
    expect(event).toEqual({ id, type: "unknown", name: "bill.created", createdAt: "x", data: { id: 1 } });
    // The name that stands for it is not a way in.
    const named = await read(signed(JSON.stringify({ id, type: "unknown", createdAt: "x", data: {} })));
    expect(named.event.type).toBe("unknown");
  });

  test.each([
    ["no type", { id, createdAt: "x", data: {} }],
    ["no data", { id, type: "invoice.paid", createdAt: "x" }],
    ["a list", []],
    ["null", null],
  ])("a signed message that is none is refused: %s", async (_name, json) => {
    expect(await refusal(read(signed(JSON.stringify(json))))).toBe("webhook_body");
  });

  test("a switch over the type narrows and exhausts", async () => {
    const { event } = await read();
    const label = (): string => {
      switch (event.type) {
        case "invoice.paid":
          return `paid ${String(event.data.id)}`;
        case "unknown":
          return event.name;
        default:
          return event.type satisfies (typeof eventTypes)[number];
      }
    };
    expect(label()).toBe("paid 4821");
  });
});

describe("another verifier", () => {
  test("decides alone, and the message is known by the id that it vouched for", async () => {
    const seen: WebhookRequest[] = [];
    const own = reader({
      verify: async (message) => {
        seen.push(message);
        return message.headers.get("x-fiskl-signature") === "good";
      },
    });
    const good = await own(request({ headers: { "x-fiskl-signature": "good", "webhook-id": "msg_forged" } }));
    expect(good).toEqual({ id, event, effects: [] });
    expect(new TextDecoder().decode(seen[0]?.body)).toBe(body);
    expect(await refusal(own(request()))).toBe("webhook_signature");
    expect((await reader({ verify: () => true })(request({ headers: {} }))).id).toBe(id);
    for (const answer of [false, undefined, null, 0, 1, "", "yes", {}])
      expect(await refusal(reader({ verify: () => answer as boolean })(request()))).toBe("webhook_signature");
  });

  test("without one, webhooks are refused by the name of the option", async () => {
    await expect(reader(undefined)(request())).rejects.toMatchObject({
      fault: { kind: "configuration" },
      message: "fiskl: option webhook is missing; give webhook: { secrets } to receive webhooks",
    });
  });
});
