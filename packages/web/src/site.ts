import {
  type AnyProvider,
  allowInsecureLoopback,
  type Connector,
  type ConnectRequest,
  type Flow,
  misconfigured,
  type WebhookReceipt,
  type WebhookReception,
} from "@linkwright/core";
import { type Cookies, createCookies } from "./cookies.ts";
import { Refusal } from "./failure.ts";
import { localPath } from "./local-path.ts";
import type { HandlerOptions, StartRequest } from "./options.ts";
import type { Outcome } from "./outcome.ts";

/** What the rooms of these handlers share: the options, checked, and with their types forgotten. */
export interface Site {
  readonly connector: Pick<Connector<Readonly<Record<string, AnyProvider>>>, "complete" | "connection" | "connections">;
  readonly origin: string;
  readonly basePath: string;
  readonly cookies: Cookies;
  /** The handle of a registration, if there is one of that name. */
  handle(name: string): Handle | undefined;
  /** The configured redirect URI that a request's path is of. */
  redirectUriAt(path: string): string | undefined;
  /** @throws {Refusal} 401. */
  owner(request: Request, context: unknown): Promise<string>;
  /** What `connect` gets of the registration's own; `undefined` refuses. */
  parameters(name: string, request: StartRequest): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** What the application does with a webhook. */
  readonly webhooks: Readonly<Record<string, ((receipt: WebhookReceipt<unknown>) => unknown) | undefined>>;
  /** A path that the form or a cookie named, if a browser may be sent there. */
  returnTo(value: unknown): string | undefined;
  next(outcome: Outcome, request: Request, context: unknown): Promise<string | Response | undefined>;
  report(error: unknown, request: Request): void;
}

/** A registration's handle, as far as these handlers use it. */
export interface Handle {
  readonly redirectUris?: readonly string[];
  connect?(request: ConnectRequest): Promise<Flow>;
  webhook?(request: Request, reception?: WebhookReception<unknown>): Promise<WebhookReceipt<unknown>>;
}

/** @throws {ConnectorError} `configuration`, naming the option and the remedy. */
export function createSite<Providers extends Readonly<Record<string, AnyProvider>>, Context>(
  options: HandlerOptions<Providers, Context>,
): Site {
  const { connector, basePath = "/linkwright" } = options;
  const start = (options.start ?? {}) as Readonly<Record<string, unknown>>;
  const webhook = (options.webhook ?? {}) as Site["webhooks"];
  const origin = checkedOrigin(options.origin, options[allowInsecureLoopback] === true);
  if (typeof options.owner !== "function")
    throw misconfigured("createHandlers: owner is missing; give a function that says who is signed in");
  if (!/^(\/[\w.~-]+)*$/.test(basePath))
    throw misconfigured(`createHandlers: basePath "${basePath}" is not a path such as "/linkwright"`);
  const handles = new Map(Object.entries(connector.providers as Readonly<Record<string, Handle>>));
  for (const [option, given] of Object.entries({ start, webhook }))
    for (const name of Object.keys(given))
      if (!handles.has(name))
        throw misconfigured(`createHandlers: ${option} names "${name}", which is no registration of the connector`);
  const redirectUris = new Map<string, string>();
  for (const [name, { redirectUris: uris = [] }] of handles)
    for (const uri of uris) {
      if (new URL(uri).origin !== origin)
        throw misconfigured(
          `createHandlers: the redirect URI ${uri} of registration "${name}" is not at ${origin}, where the cookie is set that its callbacks need; give both the same origin`,
        );
      redirectUris.set(new URL(uri).pathname, uri);
    }

  return {
    connector: connector as Site["connector"],
    origin,
    basePath,
    cookies: createCookies(origin.startsWith("https:")),
    handle: (name) => handles.get(name),
    redirectUriAt: (path) => redirectUris.get(path),
    async owner(request, context) {
      const owner = await options.owner(request, context as Context);
      if (typeof owner !== "string" || owner === "") throw new Refusal("signed_out");
      return owner;
    },
    async parameters(name, request) {
      const given: unknown = Object.hasOwn(start, name) ? start[name] : {};
      return (typeof given === "function" ? await given(request) : (given ?? {})) as
        | Readonly<Record<string, unknown>>
        | undefined;
    },
    webhooks: { ...webhook },
    returnTo(value) {
      const path = localPath(value, origin);
      return path !== undefined && (options.returnTo?.(path) ?? true) ? path : undefined;
    },
    next: async (outcome, request, context) => options.next?.(outcome, request, context as Context),
    report(error, request) {
      const tell = async () => (options.onError ? options.onError(error, request) : console.error(error));
      // It only observes, whether it throws or rejects.
      tell().catch(() => {});
    },
  };
}

function checkedOrigin(given: string, insecureLoopback: boolean): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || url.origin !== given)
    throw misconfigured(
      `createHandlers: origin "${given}" is not an origin, such as "https://app.example": scheme and host alone`,
    );
  if (url.protocol === "https:") return given;
  const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === "http:" && loopback && insecureLoopback) return given;
  throw misconfigured(
    `createHandlers: origin ${given} is not https; callbacks carry codes. For development on this machine's loopback, set [allowInsecureLoopback]: true`,
  );
}
