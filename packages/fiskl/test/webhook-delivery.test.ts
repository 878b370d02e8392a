import { describe, expect, test } from "vitest";
import { bench, faultOf, webhookSecret } from "./bench.ts";

const paid = { type: "invoice.paid", data: { id: 4819, status: "Paid" } };

describe("G75 webhooks, as they are sent", () => {
  test.each(["webhook-", "svix-"] as const)("under the names %s*", async (webhookHeaders) => {
    await using it = await bench({ simulator: { switches: { webhookHeaders } } });
    const receipt = await it.books.webhook(it.simulator.webhooks.request(paid));
    expect(receipt).toEqual({
      duplicate: false,
      connections: [],
      event: {
        id: "msg_test_0001",
        type: "invoice.paid",
        name: "invoice.paid",
        createdAt: "2026-01-15T02:03:04.000Z",
        data: { id: 4819, status: "Paid" },
      },
    });
  });

  test.each(["wrong-key", "tampered", "missing", "stale"] as const)("%s is refused", async (signature) => {
    await using it = await bench();
    const error = await faultOf(it.books.webhook(it.simulator.webhooks.request(paid, { signature })));
    expect(error.fault).toEqual({ kind: "protocol" });
    expect(error.details.code).toBe("webhook_signature");
  });

  test("a message that is delivered again is known, and a forged one does not use up its id", async () => {
    await using it = await bench();
    const send = (signature: "valid" | "wrong-key") =>
      it.books.webhook(it.simulator.webhooks.request(paid, { messageId: "msg_7", signature }));
    await faultOf(send("wrong-key"));
    expect((await send("valid")).duplicate).toBe(false);
    expect((await send("valid")).duplicate).toBe(true);
    // Each registration keeps its own record of what came.
    expect((await it.own.webhook(it.simulator.webhooks.request(paid, { messageId: "msg_7" }))).duplicate).toBe(false);
  });

  test("while the secret is being replaced, both sign or both are known", async () => {
    const next = "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";
    await using both = await bench({ simulator: { webhookSecrets: [next, webhookSecret] } });
    expect((await both.books.webhook(both.simulator.webhooks.request(paid))).event.type).toBe("invoice.paid");
    await using known = await bench({
      confidential: { webhook: { secrets: [webhookSecret, next] } },
      simulator: { webhookSecrets: [next] },
    });
    expect((await known.books.webhook(known.simulator.webhooks.request(paid))).event.type).toBe("invoice.paid");
  });

  test("no message says anything of a connection", async () => {
    await using it = await bench();
    const connection = await it.connect();
    const { connections } = await it.books.webhook(
      it.simulator.webhooks.request({ type: "client.deleted", data: { id: 1 } }),
    );
    expect(connections).toEqual([]);
    expect((await connection.status()).health).toBe("healthy");
  });
});
