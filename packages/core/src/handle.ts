import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type Application, type ApplicationOptions, createApplication } from "./application.ts";
import { connectBy } from "./connect-by.ts";
import { type Connection, createConnection } from "./connection.ts";
import { providerContext } from "./context.ts";
import { beginFlow, type ConnectRequest, type Flow } from "./flow.ts";
import type { Provider } from "./provider.ts";
import type { Registration } from "./registration.ts";
import type { Renewal } from "./renewal.ts";
import type { Runtime } from "./runtime.ts";
import { type GrantImport, importGrant } from "./transfer.ts";
import { receiveWebhook, type WebhookReceipt, type WebhookReception } from "./webhooks.ts";

/** What a registration's handle offers follows from its provider's definition. */
export type ProviderHandle<P> =
  P extends Provider<infer Schema, infer Extras, infer Event, infer Grants>
    ? Extras & ConnectPart<Schema, Grants> & ApplicationPart<Grants> & WebhookPart<Event>
    : never;

type ConnectPart<Schema extends StandardSchemaV1, Grants> = Grants extends
  | { readonly authorizationCode: object }
  | { readonly hostedConsent: object }
  ? {
      /** Where the provider sends browsers back to, as registered: the redirect URI and, where there is one, the cancel URI. */
      readonly redirectUris: readonly string[];
      /** Begins a user's authorization: send the browser to `url`. Needs the user's intent: call it from a POST of your own. */
      connect(request: ConnectRequest & StandardSchemaV1.InferInput<Schema>): Promise<Flow>;
      /** Makes a connection of a grant that another system holds. */
      import(grant: GrantImport): Promise<Connection>;
    }
  : unknown;

type ApplicationPart<Grants> = Grants extends { readonly clientCredentials: object } | { readonly staticToken: object }
  ? {
      /** The application itself at this provider. */
      app(options?: ApplicationOptions): Application;
    }
  : unknown;

type WebhookPart<Event> = [Event] extends [never]
  ? unknown
  : {
      /** Verifies a webhook over its raw body, applies it, and returns its typed event. */
      webhook(request: Request, reception?: WebhookReception<Event>): Promise<WebhookReceipt<Event>>;
    };

/** The handle of one registration, as its provider is defined. */
export function handleOf(runtime: Runtime, renewal: Renewal, registration: Registration): object {
  const { grants, extras, webhook } = registration.provider;
  /** One for all who ask for the whole: what it finds out once serves them all. */
  let whole: Application | undefined;
  const app = (options?: ApplicationOptions): Application => {
    if (options) return createApplication(runtime, renewal, registration, options);
    whole ??= createApplication(runtime, renewal, registration);
    return whole;
  };
  return {
    ...extras?.({
      ...providerContext(runtime, renewal, registration),
      server: registration.context,
      connectBy: (request) => connectBy(runtime, renewal, registration, request),
    }),
    ...((grants.authorizationCode || grants.hostedConsent) && {
      redirectUris: redirectUrisOf(registration),
      connect: (request: ConnectRequest) => beginFlow(runtime, renewal, registration, { ...request }),
      import: async (grant: GrantImport) => {
        const row = await importGrant(runtime, renewal, registration, grant);
        return createConnection(runtime, renewal, registration, row);
      },
    }),
    ...((grants.clientCredentials || grants.staticToken) && { app }),
    ...(webhook && {
      webhook: (request: Request, reception?: WebhookReception<unknown>) =>
        receiveWebhook(runtime, renewal, registration, request, reception),
    }),
  };
}

function redirectUrisOf({ provider: { grants } }: Registration): readonly string[] {
  const { authorizationCode, hostedConsent } = grants;
  const uris = [authorizationCode?.redirectUri, hostedConsent?.redirectUri, hostedConsent?.cancelUri];
  return [...new Set(uris.filter((uri) => uri !== undefined))];
}
