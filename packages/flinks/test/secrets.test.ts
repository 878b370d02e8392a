import { inspect } from "node:util";
import { isConnectorError } from "@linkwright/core";
import { expect, test } from "vitest";
import { bench, clientSecret, session } from "./bench.ts";

test("G70 G40 no secret is in any error, whatever Flinks says, and both support handles are", async () => {
  await using it = await bench();
  const shown: string[] = [];
  const collect = async (work: Promise<unknown>) => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!isConnectorError(error)) throw new Error(`no ConnectorError: ${String(error)}`);
    shown.push(`${JSON.stringify(error)} ${inspect(error, { depth: 10 })} ${error.stack}`);
    return error;
  };
  for (const name of [
    "client.rejected",
    "connection.renewal_failed",
    "protocol.warning",
    "connection.reauthorization_required",
  ] as const)
    it.connector.on(name, (event) => shown.push(JSON.stringify(event)));

  // The code, echoed.
  const flow = await it.flinks.connect({ owner: "user_42", session, providerId: 1000 });
  const callback = await it.simulator.consent(flow.url);
  it.simulator.faults.next("echo-secrets");
  await collect(it.connector.complete(callback, { session }));

  // A client that was refused is held back for a moment.
  await it.clock.advance(60_000);
  // The refresh token and the secret, echoed in every way, then a token answer that is none.
  const connection = await it.connect();
  const accessToken = await connection.accessToken();
  for (const status of [400, 401, 403, 500]) {
    await it.clock.advance(600_000);
    it.simulator.faults.next("echo-secrets", { status, grantType: "refresh_token" });
    await collect(connection.accessToken());
  }
  await it.clock.advance(600_000);
  it.simulator.faults.next("malformed", { grantType: "refresh_token" });
  await collect(connection.accessToken());

  // An API that repeats the token.
  it.simulator.faults.next("echo-secrets", { path: "/api/v1/providers", status: 500 });
  await collect(it.flinks.providers.list());
  const headers = { "ob-correlation-id": "corr-1", "ob-trace-id": "trace-1", "content-type": "application/json" };
  it.simulator.faults.next("answer", {
    path: "/api/v1/providers",
    status: 404,
    body: { code: 601, message: "no", debugMessage: "no" },
    headers,
  });
  const error = await collect(it.flinks.providers.list());
  expect(error.details).toEqual({
    registration: "flinks",
    provider: "flinks",
    code: "601",
    status: 404,
    support: { "ob-correlation-id": "corr-1", "ob-trace-id": "trace-1" },
  });

  const refresh = it.tokenRequests("refresh_token")[0]?.json as { refresh_token: string };
  const app = await it.flinks.app().accessToken();
  const code = new URL(callback).searchParams.get("code")!;
  expect(shown.length).toBeGreaterThanOrEqual(8);
  for (const text of shown)
    for (const secret of [
      clientSecret,
      encodeURIComponent(clientSecret),
      refresh.refresh_token,
      accessToken,
      app,
      code,
    ])
      expect(text).not.toContain(secret);
});
