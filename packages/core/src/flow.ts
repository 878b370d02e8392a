import { proofKeyFor } from "./bound-token.ts";
import {
  type Callback,
  checkIssuer,
  checkRefusal,
  findFlow,
  flowError,
  handleDigest,
  plainCallback,
} from "./callback.ts";
import { providerContext } from "./context.ts";
import { digest, random } from "./encoding.ts";
import { ConnectorError, type FaultDetails, misconfigured, quote } from "./faults.ts";
import { viewOf } from "./fetch.ts";
import {
  type FlowRecord,
  type FlowSecrets,
  flowFormat,
  flowKey,
  openFlow,
  reopenFlow,
  takeFlow,
  writeFlow,
} from "./flow-record.ts";
import { authorizationRequest } from "./grants/authorization-code.ts";
import { TokenFailure } from "./grants/token-endpoint.ts";
import { exchangeCode, returnedFromHosted } from "./new-grant.ts";
import type { Row } from "./record.ts";
import type { Registration } from "./registration.ts";
import type { Renewal } from "./renewal.ts";
import { connectionKey, type Runtime } from "./runtime.ts";
import { tokenError } from "./token-errors.ts";

/** How a user's authorization begins and ends. */

/** What every `connect` takes, besides the provider's own parameters. */
export interface ConnectRequest {
  /** Whose connection it will be, in the application's own terms. */
  readonly owner: string;
  /**
   * An unguessable value that only this browser presents again, such as the id of its session; at least 16 characters. Its
   * digest is stored, and the callback must come with the same value (RFC 9700, section 2.1).
   */
  readonly session: string;
  /** The id of a connection of this owner that is to be connected again: it keeps its id, and its grant until the new one stands. */
  readonly connection?: string;
  /** Scope to ask for; the provider's default where left out. */
  readonly scope?: readonly string[];
  /**
   * Of `scope`, what the connection is worth nothing without. Where the user leaves any of it out, `complete` fails with
   * `flow`, reason `scope`, what came is let go of, and a connection that was to be connected again stays as it was.
   */
  readonly requiredScope?: readonly string[];
}

/** An authorization under way. */
export interface Flow {
  /** Where to send the browser. */
  readonly url: string;
  /** When the flow ends by itself: epoch milliseconds. */
  readonly expiresAt: number;
  /** The provider's id of a hosted session, for its embeddable widget. */
  readonly handle?: string | undefined;
  /** Where the browser comes back to, as it is registered. */
  readonly redirectUri: string;
  /** What the callback of this flow carries, where the provider returns it; to tell it from another's. Part of `url`. */
  readonly state: string;
}

/** How long a user may take, where the provider's session names no end: 15 minutes. */
const flowLifetime = 900_000;

export async function beginFlow(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  request: ConnectRequest & Readonly<Record<string, unknown>>,
): Promise<Flow> {
  const { name, provider } = registration;
  const { grants, connect } = provider;
  const place = { registration: name, provider: provider.id };
  const { owner, session, connection, scope: asked, requiredScope, ...own } = request;
  if (typeof owner !== "string" || owner === "")
    throw misconfigured("connect: owner is missing; say whose connection it will be", place);
  if (typeof session !== "string" || session.length < 16)
    throw misconfigured(
      "connect: session must be an unguessable value of at least 16 characters that only this browser presents again",
      place,
    );
  const parameters = await checkedParameters(registration, own);
  const target = connection === undefined ? undefined : await ownRow(runtime, name, connection, owner, place);
  const redirectUri: string = grants.authorizationCode?.redirectUri ?? grants.hostedConsent?.redirectUri ?? "";
  const cancelUri: string = grants.hostedConsent?.cancelUri ?? redirectUri;
  const wanted = asked ?? grants.authorizationCode?.scope ?? [];
  let scope = connect?.scope?.(wanted) ?? wanted;
  const state = random();
  const now = runtime.clock.now();

  let url: string;
  let handle: string | undefined;
  let expiresAt = now + flowLifetime;
  let data: Readonly<Record<string, string>> = {};
  let codeVerifier: string | undefined;
  let proofKey: string | undefined;
  let kept: FlowSecrets["kept"];
  if (grants.authorizationCode) {
    checkRequired(requiredScope, scope, place);
    if (grants.authorizationCode.pkce === "S256") codeVerifier = random();
    else tellOfNoPkce(runtime, registration);
    proofKey = await proofKeyFor(runtime, provider, target);
    ({ url, kept } = await authorizationRequest(registration, {
      state,
      redirectUri,
      scope,
      codeVerifier,
      extra: connect?.authorize?.(parameters) ?? {},
      proofKey,
    }));
  } else {
    if (!connect?.begin) throw misconfigured(`Registration "${name}": its provider connects no users`, place);
    // What was consented to before may be gone by the time the new consent turns out too narrow.
    if (requiredScope && connection !== undefined)
      throw misconfigured(
        "connect: requiredScope does not go with connecting again on the provider's own pages; compare status().scope afterwards",
        place,
      );
    const context = providerContext(runtime, renewal, registration);
    const view = target && viewOf(target);
    const hosted = await connect.begin(context, {
      parameters,
      state,
      owner,
      redirectUri,
      cancelUri,
      ...(view && { connection: view }),
    });
    ({ url, handle } = hosted);
    expiresAt = hosted.expiresAt ?? expiresAt;
    data = hosted.data ?? {};
    scope = hosted.scope ?? scope;
    checkRequired(requiredScope, scope, place);
  }
  const flow: Omit<FlowRecord, "secrets"> = {
    format: flowFormat,
    registration: name,
    owner,
    session: await digest("session", session),
    issuer: (await registration.server()).issuer,
    redirectUri,
    cancelUri,
    scope,
    createdAt: now,
    expiresAt,
    state: "open",
    data,
    refs: handle === undefined ? [] : [await handleDigest(name, handle)],
    ...(requiredScope && { requiredScope }),
    ...(connection !== undefined && { connection }),
  };
  const secrets: FlowSecrets = {
    state,
    parameters,
    ...(codeVerifier !== undefined && { codeVerifier }),
    ...(proofKey !== undefined && { proofKey }),
    ...(kept && { kept }),
  };
  await writeFlow(runtime, await flowKey(state), flow, secrets);
  return { url, expiresAt, handle, redirectUri, state };
}

/** What is required and not asked for would never be granted. */
function checkRequired(required: readonly string[] | undefined, asked: readonly string[], place: FaultDetails): void {
  const unasked = required?.find((scope) => !asked.includes(scope));
  if (unasked !== undefined)
    throw misconfigured(`connect: requiredScope has "${quote(unasked, 60)}", which scope does not ask for`, place);
}

const toldOfNoPkce = new WeakSet<Registration>();

/** PKCE is left out only where the provider declares that it knows none, and not in silence (RFC 9700, section 2.1.1). */
function tellOfNoPkce(runtime: Runtime, registration: Registration): void {
  if (toldOfNoPkce.has(registration)) return;
  toldOfNoPkce.add(registration);
  runtime.warn(registration, "authorization codes are not protected by PKCE, as the provider is declared to know none");
}

async function checkedParameters(registration: Registration, own: Readonly<Record<string, unknown>>): Promise<unknown> {
  const schema = registration.provider.connect?.parameters;
  if (!schema) {
    const [unknown] = Object.keys(own);
    if (unknown !== undefined)
      throw misconfigured(`connect: ${registration.provider.id} knows no parameter "${quote(unknown, 60)}"`, {
        registration: registration.name,
      });
    return {};
  }
  const result = await schema["~standard"].validate(own);
  if (!result.issues) return result.value;
  const issues = result.issues.map((issue: { message: string; path?: readonly unknown[] }) =>
    [(issue.path ?? []).map(pathName).join("."), issue.message].filter((part) => part !== "").join(": "),
  );
  throw misconfigured(`connect: ${quote(issues.join("; "), 400)}`, {
    registration: registration.name,
    provider: registration.provider.id,
  });
}

const pathName = (part: unknown): string =>
  String(typeof part === "object" && part !== null && "key" in part ? part.key : part);

export async function ownRow(
  runtime: Runtime,
  name: string,
  id: string,
  owner: string,
  place: FaultDetails,
): Promise<Row> {
  const stored = await runtime.rows.read(connectionKey(id));
  if (stored?.row.owner === owner && stored.row.registration === name && stored.row.state !== "ending")
    return stored.row;
  throw new ConnectorError(
    { kind: "gone", reason: "unknown" },
    "connect: there is no such connection of this owner to connect again.",
    place,
  );
}

/** Finishes a flow: finds it, checks it, takes it, and writes what the user granted. */
export async function completeFlow(runtime: Runtime, renewal: Renewal, given: Callback, session: string): Promise<Row> {
  if (typeof session !== "string")
    throw misconfigured("complete: session is missing; give the value that connect was given");
  const stored = await findFlow(runtime, given);
  const { flow } = stored;
  const registration = runtime.registrations.get(flow.registration);
  if (!registration)
    throw flowError(
      "unknown_state",
      `The flow belongs to the registration "${flow.registration}", which is not configured here.`,
      {},
    );
  const place = { registration: registration.name, provider: registration.provider.id };
  const used = () =>
    flowError("used", "This callback was used before. If it did not end well, begin the authorization again.", place);
  if (flow.expiresAt <= runtime.clock.now())
    throw flowError("expired", "The authorization took too long. Begin it again.", place);
  if (flow.session !== (await digest("session", session)))
    throw flowError(
      "wrong_browser",
      "The callback came from another browser session than the one that began the authorization.",
      place,
    );
  if (flow.state === "taken") throw used();
  const callback = await plainCallback(registration, stored, given);
  await checkIssuer(registration, stored, callback, place);
  // Before the flow is taken: a key that is missing now may be there again in a minute.
  const secrets = await openFlow(runtime, stored);
  const taken = await takeFlow(runtime, stored);
  if (!taken) throw used();
  checkRefusal(runtime, registration, callback, secrets, place);
  if (!registration.provider.grants.authorizationCode) return returnedFromHosted(runtime, renewal, registration, flow);
  try {
    return await exchangeCode(runtime, registration, flow, secrets, callback, place);
  } catch (error) {
    if (!(error instanceof TokenFailure)) throw error;
    // The code was not sent: this callback is as good as it was.
    await reopenFlow(runtime, stored, taken).catch(() => {});
    throw tokenError(error, undefined, place, runtime.clock.now());
  }
}
