import {
  ConnectorError,
  misconfigured,
  type SecretSource,
  type WebhookDefinition,
  type WebhookRequest,
} from "@linkwright/core";
import type { FisklEvent } from "./events.ts";
import { standardWebhooks } from "./standard-webhooks.ts";

/** How a message is known to be Fiskl's: by the assumed signature, or by your own judgement. */
export type WebhookOptions =
  | {
      /** The endpoint's signing secret, `whsec_...`; several while one replaces another. */
      readonly secrets: SecretSource | readonly SecretSource[];
      /** Seconds by which a message's time may differ from ours. Default 300. */
      readonly tolerance?: number;
    }
  | {
      /**
       * Whether a message is Fiskl's, should it sign in another way. Must cover the whole body: the message is then known by the
       * id in it, and a second one with that id is dropped for as long as ids are kept. No `tolerance` is applied to its time.
       */
      readonly verify: (request: WebhookRequest) => boolean | Promise<boolean>;
    };

/**
 * Verifies first, over the bytes as they came, and parses after. Events say what changed in the books and nothing of a
 * connection, so they have no effect on any.
 */
export function webhook(options: WebhookOptions | undefined): WebhookDefinition<FisklEvent> {
  const vouch = voucher(options);
  return {
    async read(request) {
      const vouched = await vouch(request);
      if (vouched === undefined)
        throw refused("webhook_signature", "a webhook is not signed by Fiskl, or is too old; check webhook.secrets");
      const event = await parsed(request.body);
      return { id: vouched.id ?? event.id, event, effects: [] };
    },
  };
}

/** Says that a message is genuine, with its id where the signature covers one. */
type Voucher = (request: WebhookRequest) => Promise<{ readonly id?: string } | undefined>;

function voucher(options: WebhookOptions | undefined): Voucher {
  if (!options)
    return async () => {
      throw misconfigured("fiskl: option webhook is missing; give webhook: { secrets } to receive webhooks", {
        provider: "fiskl",
      });
    };
  if (!("verify" in options)) return standardWebhooks(options.secrets, options.tolerance ?? 300);
  // Nothing but `true`: a function that answers with words or a count has not said yes.
  return async (request) => ((await options.verify(request)) === true ? {} : undefined);
}

async function parsed(body: Uint8Array): Promise<FisklEvent> {
  const { event } = await import("./schemas.ts");
  const result = event.safeParse(json(new TextDecoder().decode(body)));
  if (result.success) return result.data;
  throw refused(
    "webhook_body",
    "a signed webhook is not a documented message; report it to Fiskl or update the adapter",
  );
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const refused = (code: string, message: string) =>
  new ConnectorError({ kind: "protocol" }, `fiskl: ${message}`, { provider: "fiskl", code });
