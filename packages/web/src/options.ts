import type { AnyProvider, allowInsecureLoopback, Connector, ProviderHandle, WebhookReceipt } from "@linkwright/core";
import type { Outcome } from "./outcome.ts";

type Awaitable<Value> = Value | Promise<Value>;

/** What request handlers are made of. */
export interface HandlerOptions<Providers extends Readonly<Record<string, AnyProvider>>, Context = unknown> {
  readonly connector: Connector<Providers>;
  /** Where browsers reach the application, such as `https://app.example`. Every redirect URI lies in it; nothing is ever taken from `Host`. */
  readonly origin: string;
  /**
   * Whose connections this request is about: the id of whoever is signed in, in the application's own terms. Asked for every
   * request but a webhook's; no answer is a 401. Leaves the body unread. `context` is what the handler was called with beside
   * the request.
   */
  readonly owner: (request: Request, context: Context) => Awaitable<string | null | undefined>;
  /** The path that the handlers stand below; `/linkwright` where left out. */
  readonly basePath?: string;
  /**
   * By registration: what `connect` takes besides owner and session, or a function that makes it from the form that was sent.
   * `undefined` from it refuses the form. A registration that is left out begins without parameters.
   */
  readonly start?: {
    readonly [Name in keyof Providers]?:
      | StartParameters<ProviderHandle<Providers[Name]>>
      | ((request: StartRequest<Context>) => Awaitable<StartParameters<ProviderHandle<Providers[Name]>> | undefined>);
  };
  /**
   * By registration: what the application does with a webhook. It is awaited; where it fails the answer is 5xx and the message
   * is taken again when it comes again. Two deliveries at the same moment may both be handled: do what can be done twice.
   */
  readonly webhook?: Webhooks<Providers>;
  /** Narrows where `returnTo` may lead; it is a path of this origin in any case. */
  readonly returnTo?: (path: string) => boolean;
  /**
   * Where the browser goes next: a path of this origin, or a response of your own. `undefined`: to `returnTo` or the first page,
   * and for a failure a small page that says what to do. Asked for browsers alone: what gets JSON decides for itself.
   */
  readonly next?: (outcome: Outcome, request: Request, context: Context) => Awaitable<string | Response | undefined>;
  /**
   * Is told of what the user can do nothing about: faults of the operator's, of the provider's and of the application's own, and
   * webhooks that are not taken, as their secret may be wrong. `console.error` where left out. What it throws is dropped.
   */
  readonly onError?: (error: unknown, request: Request) => void;
  /** Allows an `http:` origin on this machine's loopback, for development. Its cookies are not protected as those of https are. */
  readonly [allowInsecureLoopback]?: boolean;
}

/** What `connect` of a registration takes besides `owner`, `session` and `connection`. */
export type StartParameters<Handle> = Handle extends { connect(request: infer Request): unknown }
  ? Without<Request, "owner" | "session" | "connection">
  : never;

type Without<Value, Names extends PropertyKey> = Value extends unknown ? Omit<Value, Names> : never;

/** A form that asks to begin an authorization. */
export interface StartRequest<Context = unknown> {
  readonly owner: string;
  /** What was sent, as a form or as JSON. Made by whoever is signed in, and to be checked like any input. */
  readonly form: URLSearchParams;
  /** Its body was read. */
  readonly request: Request;
  readonly context: Context;
}

/** What is done with messages, by registration. */
export type Webhooks<Providers extends Readonly<Record<string, AnyProvider>>> = {
  readonly [Name in keyof Providers]?: ProviderHandle<Providers[Name]> extends {
    webhook(request: Request): Promise<WebhookReceipt<infer Event>>;
  }
    ? (receipt: WebhookReceipt<Event>) => unknown
    : never;
};
