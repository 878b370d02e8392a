import { OAuthError } from "../oauth/error.ts";
import type { StandardTokenSwitches } from "../oauth/token-endpoint.ts";
import { readTokenRequest, type TokenRequest } from "../oauth/token-request.ts";
import type { Refusal } from "../simulator.ts";
import type { ProviderSimulatorOptions, ReceivedRequest, StandardRefusal } from "./options.ts";

/** Reads token requests as the options say, else as the RFC does. */
export function tokenReader(
  { request: translate, authenticate }: ProviderSimulatorOptions,
  switches: Pick<StandardTokenSwitches, "bodies">,
): (request: Request) => Promise<TokenRequest> {
  return async (raw) => {
    const received = await receivedRequest(raw.clone());
    if (authenticate && !(await authenticate(received)))
      throw new OAuthError("invalid_client", "The client did not prove itself.", 401);
    if (!translate) return readTokenRequest(raw, switches.bodies);
    const said = Object.entries(translate(received)).filter(([, value]) => value !== undefined && value !== "");
    const authorization = raw.headers.get("authorization");
    return {
      parameters: Object.fromEntries(said) as Record<string, string>,
      sentAs: received.json ? "json" : "form",
      // Basic is the one scheme that names a client.
      ...(authorization?.startsWith("Basic ") && { authorization }),
    };
  };
}

async function receivedRequest(request: Request): Promise<ReceivedRequest> {
  const body = await request.text();
  const type = request.headers.get("content-type") ?? "";
  const json = type.includes("json") ? parsed(body) : undefined;
  const form = type.startsWith("application/x-www-form-urlencoded");
  return {
    url: request.url,
    headers: request.headers,
    body,
    ...(form && { form: Object.fromEntries(new URLSearchParams(body)) }),
    ...(json && { json }),
  };
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A refusal in the provider's words. */
export function tokenRefusal(
  { refusal }: ProviderSimulatorOptions,
  standard: StandardRefusal,
): Refusal & { readonly status: number } {
  const { error, error_description, status } = standard;
  const said = refusal?.(standard);
  return {
    status: said?.status ?? status,
    body: said ? said.body : { error, error_description },
    contentType: "application/json",
  };
}

/** What was thrown at the token endpoint, as an answer. */
export function refusedTokens(options: ProviderSimulatorOptions): (thrown: unknown) => Response {
  return (thrown) => {
    if (!(thrown instanceof OAuthError)) throw thrown;
    const { status, body } = tokenRefusal(options, { ...thrown.parameters, status: thrown.status });
    return Response.json(body, { status, headers: { "cache-control": "no-store", ...thrown.headers } });
  };
}
