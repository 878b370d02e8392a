import type {
  Answer,
  ApiRequest,
  CallRequest,
  Clock,
  ConnectionView,
  ConnectorError,
  DisconnectContext,
  ExtrasContext,
} from "@linkwright/core";
import { isConnectorError } from "@linkwright/core";
import { type FiskilOptions, fiskil } from "../src/index.ts";

/** Values that must show up in no error. */
export const canary = {
  clientSecret: "canary-client-secret-4f1d",
  webhookSecret: "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
};

export const options: FiskilOptions = {
  clientId: "key_01example",
  clientSecret: canary.clientSecret,
  redirectUri: "https://app.example/connected",
  cancelUri: "https://app.example/cancelled",
};

/** The adapter with its optional parts taken for granted. */
export function adapter(more: Partial<FiskilOptions> = {}) {
  const { dialect, api, connect, webhook, disconnect, extras, ...rest } = fiskil({ ...options, ...more });
  return {
    ...rest,
    tokenRequest: present(dialect?.request),
    tokenResponse: present(dialect?.response),
    tokenFault: present(dialect?.fault),
    request: present(api?.request),
    fault: present(api?.fault),
    parameters: present(connect?.parameters),
    begin: present(connect?.begin),
    handle: present(connect?.handle),
    refusal: present(connect?.refusal),
    confirm: present(connect?.confirm),
    read: present(webhook?.read),
    disconnect: present(disconnect),
    extras: present(extras),
  };
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the adapter lacks it");
  return value;
}

export function answer(status: number, json?: unknown, headers: Record<string, string> = {}): Answer {
  const text = json === undefined ? "" : JSON.stringify(json);
  return { status, headers: new Headers(headers), mediaType: "application/json", text, json };
}

/** 2026-01-15T02:03:04Z. */
export const now = Date.UTC(2026, 0, 15, 2, 3, 4);

const clock: Clock = { now: () => now, monotonic: () => 0, after: () => () => {} };

export interface Call extends CallRequest {
  readonly path: string;
}

/** A context that answers from `respond` and writes down what it was asked. */
export function context(respond: (call: Call) => unknown): ExtrasContext & { readonly calls: Call[] } {
  const calls: Call[] = [];
  const unasked = () => Promise.reject(new Error("Fiskil's own API is all that is asked"));
  return {
    registration: "fiskil",
    clientId: "key_01example",
    clock,
    calls,
    server: unasked,
    connectBy: unasked,
    async call(path, request = {}) {
      const call = { path, ...request };
      calls.push(call);
      return respond(call);
    },
  };
}

export function connectionContext(
  data: Readonly<Record<string, string>>,
  respond: (call: Call) => unknown,
): DisconnectContext & { readonly calls: Call[] } {
  return { ...context(respond), connection: view(data), revoke: async () => [] };
}

export function view(data: Readonly<Record<string, string>>, account?: string): ConnectionView {
  return { id: "con_1", owner: "user_42", registration: "fiskil", data, account };
}

export function apiRequest(
  path: string,
  init: { method?: string; body?: string; hasBody?: boolean; headers?: HeadersInit } = {},
): ApiRequest {
  return {
    method: init.method ?? "GET",
    url: new URL(path, "https://api.fiskil.com"),
    headers: new Headers(init.headers),
    body: init.body,
    hasBody: init.hasBody ?? init.body !== undefined,
  };
}

/** The error that `work` throws or rejects with. */
export async function failure(work: () => unknown): Promise<ConnectorError> {
  try {
    await work();
  } catch (error) {
    if (isConnectorError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
