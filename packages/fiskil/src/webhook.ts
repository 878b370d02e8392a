import {
  ConnectorError,
  hideSecret,
  misconfigured,
  revealSecret,
  type SecretSource,
  type WebhookDefinition,
} from "@linkwright/core";
import { effectsOf, type FiskilEvent, readEvent } from "./events.ts";

/**
 * Reads webhook messages. `X-Fiskil-Signature` is base64 of HMAC-SHA256 over the body's bytes, keyed with the decoded secret; it
 * is checked before a byte is parsed. Neither hexadecimal nor a body with its spaces removed is accepted, which two of Fiskil's
 * own samples would need.
 *
 * @param tolerance - Seconds that a message's time may be away from now. Nothing but the body is signed, so this and the message's
 *   id are all that tells a copy.
 */
export function webhook(source: SecretSource | undefined, tolerance: number): WebhookDefinition<FiskilEvent> {
  const secret = source === undefined ? undefined : hideSecret(source);
  return {
    async read({ body, headers, now }) {
      if (!secret)
        throw misconfigured("fiskil: option webhookSecret is missing; give the signing secret from the Console");
      const key = await signingKey(await revealSecret(secret));
      const signature = bytesOf(headers.get("x-fiskil-signature") ?? "");
      // WebCrypto compares in constant time.
      if (!signature || !(await crypto.subtle.verify("HMAC", key, signature, body)))
        throw unreadable(
          "its signature is not of webhookSecret over this body; hand over the raw bytes, and compare the secret with the Console",
        );

      const event = readEvent(parsedJson(body));
      if (!event) throw unreadable("it is signed, and is not a message with a message_id");
      if (!(Math.abs(now - (event.publishedAt ?? Number.NaN)) <= tolerance * 1000))
        throw unreadable("it was published at another time than webhookTolerance allows, or does not say when");
      return { id: event.messageId, event, effects: effectsOf(event) };
    },
  };
}

async function signingKey(secret: string): Promise<CryptoKey> {
  const bytes = bytesOf(secret);
  if (!bytes?.length)
    throw misconfigured("fiskil: option webhookSecret is not base64; give it as the Console shows it");
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function parsedJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function unreadable(why: string): ConnectorError {
  return new ConnectorError({ kind: "protocol" }, `fiskil: this webhook message was refused: ${why}.`);
}
