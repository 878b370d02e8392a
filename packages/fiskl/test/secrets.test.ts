import { inspect } from "node:util";
import { isConnectorError } from "@linkwright/core";
import { expect, test } from "vitest";
import { apiKey, bench, clientSecret, hour, session, webhookSecret } from "./bench.ts";

test("G70 no secret is in any error or event, whatever Fiskl says", async () => {
  await using it = await bench();
  const shown: string[] = [];
  const collect = async (work: Promise<unknown>) => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!isConnectorError(error)) throw new Error(`no ConnectorError: ${String(error)}`);
    shown.push(`${JSON.stringify(error)} ${inspect(error, { depth: 10 })} ${error.stack}`);
  };
  for (const name of ["client.rejected", "connection.renewal_failed", "protocol.warning"] as const)
    it.connector.on(name, (event) => shown.push(JSON.stringify(event)));

  const flow = await it.books.connect({ owner: "user_42", session, scope: ["invoicing:read"] });
  const callback = await it.simulator.consent(flow.url);
  it.simulator.faults.next("echo-secrets");
  await collect(it.connector.complete(callback, { session }));
  await it.clock.advance(60_000);

  const connection = await it.connect();
  const accessToken = await connection.accessToken();
  for (const status of [400, 401, 403, 500]) {
    await it.clock.advance(2 * hour);
    it.simulator.faults.next("echo-secrets", { status, grantType: "refresh_token" });
    await collect(connection.accessToken());
  }
  await collect(it.books.webhook(it.simulator.webhooks.request({ type: "x", data: {} }, { signature: "wrong-key" })));
  shown.push(inspect(it.connector, { depth: 10 }), JSON.stringify(it.connector.providers));

  const refresh = it.tokenRequests("refresh_token")[0]?.form;
  const code = it.tokenRequests("authorization_code")[0]?.form;
  const secrets = [clientSecret, encodeURIComponent(clientSecret), apiKey, webhookSecret.slice(6), accessToken];
  for (const secret of [...secrets, refresh?.refresh_token, code?.code, code?.code_verifier]) {
    expect(secret?.length).toBeGreaterThan(10);
    for (const text of shown) expect(text).not.toContain(secret);
  }
});
