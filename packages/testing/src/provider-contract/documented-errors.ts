import assert from "node:assert/strict";
import { type ConnectorError, isConnectorError } from "@linkwright/core";
import { calling } from "./calling.ts";
import type { DocumentedError, Promised, ProviderHarness } from "./harness.ts";
import { minute, type World } from "./world.ts";

/** The refusals that the author names, one case each. */
export function documentedErrors({ errors = [] }: ProviderHarness): Promised[] {
  return errors.map((error) => ({
    name: `G37 ${places[error.at]} ${error.status} ${summary(error.body)} is \`${error.kind}\`${error.reason ? ` (${error.reason})` : ""}`,
    remedy:
      error.at === "api"
        ? "see to it in api.fault, which reads the API's errors."
        : "see to it in dialect.fault, which reads the token endpoint's errors.",
    run: (world) => (error.at === "api" ? fromApi(world, error) : fromTokenEndpoint(world, error)),
  }));
}

const places: Readonly<Record<DocumentedError["at"], string>> = {
  code: "a code answered with",
  renewal: "a renewal answered with",
  application: "the application's token request answered with",
  api: "an API call answered with",
};

const summary = (body: unknown): string => {
  const text = typeof body === "string" ? body : (JSON.stringify(body) ?? "");
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

async function fromTokenEndpoint(world: World, documented: DocumentedError): Promise<void> {
  const { at, status, body, headers = {} } = documented;
  const arm = (times = 1) => world.server.faults.next("answer", { status, body, headers, times });
  const { ask } = await asking(world, at);
  arm();
  let error = await world.failure("the request", ask());
  // What is only suspected is believed when it comes again.
  if (documented.kind === "reauthorize" && error.fault.kind === "retry" && at === "renewal") {
    await world.clock.advance(2 * minute);
    arm();
    error = await world.failure("the request, again", ask());
  }
  if (at === "code" && documented.kind === "reauthorize") {
    assert.equal(error.fault.kind, "flow", `a refused code is a ${error.fault.kind} fault: ${error.message}`);
    return;
  }
  compare(error, documented);
}

async function asking(world: World, at: DocumentedError["at"]): Promise<{ ask(): Promise<unknown> }> {
  if (at === "application") return { ask: () => world.handle.app().accessToken() };
  if (at === "code") {
    const callback = await world.decide(await world.begin());
    return { ask: () => world.complete(callback) };
  }
  const connection = await world.connect();
  await world.expire(connection);
  return { ask: () => connection.accessToken() };
}

async function fromApi(world: World, documented: DocumentedError): Promise<void> {
  const { status, body, headers = {}, kind } = documented;
  const read = world.harness.read ?? "/";
  const connection = await world.connect();
  await connection.fetch(read);
  const path = world.apiRequests().at(-1)?.url.pathname ?? read;
  const match = ({ path: own }: { path: string }) => own === path || kind === "reauthorize";
  // Whatever the adapter asks besides, before it believes an end, says the same.
  world.server.faults.next("answer", { match, status, body, headers, times: kind === "reauthorize" ? 20 : 1 });
  if (kind === "stale_token") {
    const requests = world.tokenRequests().length;
    const answer = await connection.fetch(read);
    assert.ok(answer.ok, `the token was not renewed and the request not sent again: the answer was ${answer.status}`);
    assert.equal(world.tokenRequests().length - requests, 1, "token requests for a stale token");
    return;
  }
  if (kind === "reauthorize") {
    await connection.fetch(read);
    const { health, reason } = await connection.status();
    assert.ok(health === "ended" || health === "reauthorize", `the connection is ${health}, not ended`);
    if (documented.reason) assert.equal(reason, documented.reason);
    return;
  }
  world.server.faults.clear();
  world.server.faults.always("answer", { path, status, body, headers });
  const thrown = await calling(world, read);
  assert.ok(isConnectorError(thrown), "a call of a hook's ended well");
  compare(thrown, documented);
}

function compare({ fault, message }: ConnectorError, { kind, reason }: DocumentedError): void {
  assert.equal(fault.kind, kind, `it is a ${fault.kind} fault: ${message}`);
  if (reason !== undefined) assert.equal((fault as { reason?: unknown }).reason, reason, message);
}
