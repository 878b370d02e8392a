import type { Hono } from "hono";
import { registerClient } from "../oauth/clients.ts";
import { OAuthError, refusalResponse } from "../oauth/error.ts";
import { opaque } from "../oauth/grants.ts";
import { scopeList } from "../oauth/token-request.ts";
import { appAccess } from "./app-access.ts";
import { userScopes } from "./data.ts";
import type { FlinksRecipient, FlinksState } from "./options.ts";

const base = "/api/v1/recipients";

/** What a partner does: recipients, their secrets, and their registrations with banks. */
export function serveRecipients(app: Hono, state: FlinksState): void {
  const { recipients } = state;
  const serve = (
    method: "GET" | "POST" | "PUT",
    path: string,
    answer: (parameter: (name: string) => string, body: () => Promise<Record<string, unknown>>) => unknown,
  ) =>
    app.on(method, base + path, async (context) => {
      const access = appAccess(state, context.req.raw, "admin");
      if (access instanceof Response) return access;
      try {
        const body = async () => (await context.req.json().catch(() => ({}))) as Record<string, unknown>;
        return Response.json(await answer((name) => context.req.param(name) ?? "", body));
      } catch (error) {
        return refusalResponse(error);
      }
    });
  const known = (clientId: string): FlinksRecipient => {
    const recipient = recipients.get(clientId);
    if (!recipient) throw new OAuthError("invalid_request", "No such recipient.");
    return recipient;
  };

  serve("GET", "/providers/requests", () => [...recipients.values()].flatMap((one) => requestsOf(state, one)));
  serve("GET", "/:id/providers/requests", (parameter) => requestsOf(state, known(parameter("id"))));
  serve("POST", "/providers/requests/:recipients/:providers", (parameter) => {
    const asked = parameter("recipients").split(",").map(known);
    const banks = parameter("providers").split(",").map(Number);
    if (banks.some((id) => !state.providers.some(({ provider_id }) => provider_id === id))) {
      throw new OAuthError("invalid_request", "No such provider.");
    }
    for (const { registrations } of asked) {
      for (const id of banks) {
        if (registrations.has(id)) continue;
        registrations.set(id, { status: "PENDING_APPROVAL", requestedOn: new Date(state.now()).toISOString() });
      }
    }
    return asked.flatMap((one) => requestsOf(state, one)).filter(({ provider_id }) => banks.includes(provider_id));
  });

  serve("GET", "", () =>
    [...recipients.values()].map(({ client }) => ({ client_id: client.clientId, name: client.name })),
  );
  serve("GET", "/:id", (parameter) => detail(known(parameter("id"))));
  serve("POST", "", async (_parameter, body) => {
    const { name, scope, redirect_uris: uris, ...profile } = await body();
    if (typeof name !== "string" || name === "") throw new OAuthError("invalid_request", "name is missing.");
    const scopes = scopeList(typeof scope === "string" ? scope : undefined);
    if (!scopes.includes("ACCOUNT_BASIC") || scopes.some((one) => !userScopes.some((two) => one === two))) {
      throw new OAuthError("invalid_scope", "scope needs ACCOUNT_BASIC, and what is known besides.");
    }
    const clientSecret = opaque("secret");
    const client = registerClient({
      clientId: opaque("dc").replace("_", "-"),
      clientSecret,
      name,
      scopes,
      redirectUris: readUris(uris, "array"),
      pkce: "ignored",
    });
    state.clients.set(client.clientId, client);
    const recipient: FlinksRecipient = { client, registrations: new Map(), profile };
    recipients.set(client.clientId, recipient);
    return { ...detail(recipient), client_secret: clientSecret };
  });
  serve("PUT", "/:id", async (parameter, body) => {
    const recipient = known(parameter("id"));
    recipient.client.redirectUris = readUris((await body()).redirect_uris, state.switches.redirectUrisRequest);
    return detail(recipient);
  });
  serve("POST", "/:id/secret", (parameter) => {
    const { client } = known(parameter("id"));
    const retired = state.retiredSecrets.get(client.clientId) ?? new Set();
    if (client.clientSecret !== undefined) retired.add(client.clientSecret);
    state.retiredSecrets.set(client.clientId, retired);
    client.clientSecret = opaque("secret");
    return { client_id: client.clientId, client_secret: client.clientSecret };
  });
}

function detail({ client, profile }: FlinksRecipient): Record<string, unknown> {
  return {
    ...profile,
    client_id: client.clientId,
    name: client.name,
    scope: client.scopes?.join(" "),
    redirect_uris: client.redirectUris,
  };
}

function readUris(value: unknown, accepted: "array" | "string" | "either"): string[] {
  if (Array.isArray(value) && accepted !== "string") {
    if (value.every((one) => typeof one === "string")) return value;
  }
  if (typeof value === "string" && accepted !== "array") return value.split(/[ ,]+/).filter((one) => one !== "");
  throw new OAuthError("invalid_request", `redirect_uris is not what is read here: ${accepted}.`);
}

function requestsOf(state: FlinksState, { client, registrations }: FlinksRecipient) {
  return [...registrations].flatMap(([id, { status, requestedOn }]) => {
    const bank = state.providers.find(({ provider_id }) => provider_id === id);
    if (!bank || status === "SUSPENDED") return [];
    return [
      {
        client_id: client.clientId,
        client_name: client.name,
        provider_id: id,
        provider_name: bank.name,
        country: bank.country,
        registration_status: status,
        requested_on: requestedOn,
      },
    ];
  });
}
