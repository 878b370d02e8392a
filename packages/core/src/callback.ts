import { faultOf, sanitised } from "./classification.ts";
import { digest } from "./encoding.ts";
import { ConnectorError, type FaultDetails, type FlowReason, misconfigured } from "./faults.ts";
import { type FlowSecrets, flowKey, parseFlow, type StoredFlow } from "./flow-record.ts";
import type { FaultReading } from "./provider.ts";
import type { Registration } from "./registration.ts";
import { readBody } from "./request-body.ts";
import { storeCall } from "./rows.ts";
import type { Runtime } from "./runtime.ts";

/** What the browser brings back: read, matched with its flow, and checked before anything is believed. */
export interface Callback {
  readonly parameters: URLSearchParams;
  /** The path it came in on; behind a proxy the host may be another than the browser's. */
  readonly path: string;
}

/** Reads a callback from a request (query, or form post) or from the URL that the browser was sent to. */
export async function readCallback(input: Request | URL | string): Promise<Callback> {
  const address = input instanceof Request ? input.url : String(input);
  // A platform's own complaint would quote the address, and the code in it.
  if (!URL.canParse(address))
    throw misconfigured("complete: callback must be a Request, or the absolute URL that the browser was sent to");
  const url = new URL(address);
  const parameters = new URLSearchParams(url.search);
  // The query stays: a redirect URI may have one of its own (RFC 6749, section 3.1.2).
  if (input instanceof Request && input.method === "POST")
    for (const [name, value] of new URLSearchParams(new TextDecoder().decode(await readBody(input, "complete"))))
      parameters.append(name, value);
  for (const name of ["state", "code", "error", "iss"])
    if (parameters.getAll(name).length > 1)
      throw flowError("unknown_state", `The callback carries ${name} more than once (RFC 6749, section 3.1).`, {});
  return { parameters, path: url.pathname };
}

/** The digest by which a hosted session's flow is found. */
export const handleDigest = (registration: string, handle: string): Promise<string> =>
  digest("handle", registration, handle);

/** The flow that a callback names by its `state`, or, where it carries none, by its session's handle. */
export async function findFlow(
  { store, clock, registrations }: Runtime,
  { parameters }: Callback,
): Promise<StoredFlow> {
  const state = parameters.get("state") ?? hiddenState(registrations, parameters);
  if (state !== undefined) {
    const key = await flowKey(state);
    const found = await storeCall(clock, `reading of record ${key}`, () => store.read(key));
    if (found) return parseFlow(key, found.value, found.version);
  } else {
    for (const { name, provider } of registrations.values()) {
      const handle = provider.grants.hostedConsent && provider.connect?.handle?.(parameters);
      if (!handle) continue;
      const ref = await handleDigest(name, handle);
      let cursor: string | undefined;
      do {
        const query = { prefix: "flow:", ref, limit: 1, ...(cursor !== undefined && { cursor }) };
        const page = await storeCall(clock, "listing of flows", () => store.list(query));
        const [item] = page.items;
        if (item) return parseFlow(item.key, item.value, item.version);
        cursor = page.cursor;
      } while (cursor !== undefined);
    }
  }
  throw flowError("unknown_state", "No authorization under way fits this callback. Begin it again.", {});
}

function hiddenState(registrations: Runtime["registrations"], parameters: URLSearchParams): string | undefined {
  for (const { provider } of registrations.values()) {
    const state = provider.connect?.state?.(parameters);
    if (state !== undefined) return state;
  }
  return undefined;
}

/** The callback in plain parameters, verified by a provider whose server signs it. */
export async function plainCallback(
  { provider, context }: Registration,
  { key }: StoredFlow,
  callback: Callback,
): Promise<Callback> {
  const parameters = await provider.connect?.callback?.(callback.parameters, await context());
  if (!parameters) return callback;
  if ((await flowKey(parameters.get("state") ?? "")) !== key)
    throw flowError("unknown_state", "What the callback says in signed form belongs to another authorization.", {});
  return { ...callback, parameters };
}

/** Mix-up defence: the issuer where it is named or promised, else the redirect URI (RFC 9207, section 2.4; RFC 9700, section 4.4.2). */
export async function checkIssuer(
  registration: Registration,
  { flow }: StoredFlow,
  { parameters, path }: Callback,
  place: FaultDetails,
): Promise<void> {
  const { issuer, authorization_response_iss_parameter_supported: promised } = await registration.server();
  const named = parameters.get("iss");
  const missing = named === null && promised === true && !registration.provider.grants.hostedConsent;
  if (issuer !== flow.issuer || missing || (named !== null && named !== issuer))
    throw flowError("issuer", "The callback does not come from the server that the authorization was begun at.", place);
  const paths = [flow.redirectUri, flow.cancelUri].map((uri) => new URL(uri).pathname);
  if (!paths.includes(path))
    throw flowError(
      "issuer",
      "The callback came to another redirect URI than the one that the authorization was begun with.",
      place,
    );
}

/** Throws for a callback that says no. Its words are hostile until proven otherwise (RFC 6749, section 10.14). */
export function checkRefusal(
  runtime: Runtime,
  { provider }: Registration,
  { parameters }: Callback,
  { state, codeVerifier }: FlowSecrets,
  place: FaultDetails,
): void {
  const reading = provider.connect?.refusal?.(parameters) ?? standardRefusal(parameters);
  if (!reading) return;
  const secrets = [parameters.get("code"), state, codeVerifier].filter((secret) => typeof secret === "string");
  const { kind, code, description, support } = sanitised(reading, secrets);
  const said = [code, description].filter((part) => part !== undefined).join(": ");
  const advice =
    kind === "cancelled"
      ? "The user, or the bank, said no."
      : "The authorization failed at the provider. Begin it again.";
  throw new ConnectorError(faultOf(reading, runtime.clock.now()), `${advice}${said ? ` (${said})` : ""}`, {
    ...place,
    ...(code !== undefined && { code }),
    ...(support && { support }),
  });
}

/** RFC 6749, section 4.1.2.1. */
function standardRefusal(parameters: URLSearchParams): FaultReading | undefined {
  const code = parameters.get("error");
  if (code === null) return undefined;
  const description = parameters.get("error_description");
  const retry = code === "server_error" || code === "temporarily_unavailable";
  const kind = code === "access_denied" ? "cancelled" : retry ? "retry" : "configuration";
  return { kind, code, ...(description !== null && { description }) };
}

export function flowError(reason: FlowReason, message: string, place: FaultDetails): ConnectorError {
  return new ConnectorError({ kind: "flow", reason }, message, place);
}
