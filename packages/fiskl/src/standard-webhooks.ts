import { revealSecret, type SecretSource, type WebhookRequest } from "@linkwright/core";
import { bad, checkedSecret } from "./checks.ts";

/**
 * Verification after the Standard Webhooks specification, which is also Svix's: HMAC-SHA256 over `id.timestamp.body`. That
 * Fiskl signs so is **assumed**: it documents that messages are signed and not how.
 *
 * @returns A function that gives a genuine message's id, which the signature covers, and `undefined` for any other message.
 */
export function standardWebhooks(
  secrets: SecretSource | readonly SecretSource[],
  tolerance: number,
): (request: WebhookRequest) => Promise<{ readonly id: string } | undefined> {
  const sources = [secrets]
    .flat()
    .map((source) => checkedSecret("webhook.secrets", source, (text) => void keyBytes(text)));
  if (sources.length === 0) bad("webhook.secrets", "is empty; give the endpoint's signing secret (whsec_...)");
  if (!(Number.isFinite(tolerance) && tolerance > 0)) bad("webhook.tolerance", "must be a positive number of seconds");

  return async ({ body, headers, now }) => {
    const signed = readHeaders(headers);
    if (!signed || Math.abs(now / 1000 - Number(signed.timestamp)) > tolerance) return undefined;
    const prefix = new TextEncoder().encode(`${signed.id}.${signed.timestamp}.`);
    const content = new Uint8Array(prefix.length + body.length);
    content.set(prefix);
    content.set(body, prefix.length);
    for (const source of sources) {
      const key = await hmacKey(await revealSecret(source));
      // Compares in constant time.
      for (const signature of signed.signatures)
        if (await crypto.subtle.verify("HMAC", key, signature, content)) return { id: signed.id };
    }
    return undefined;
  };
}

/** More would be work for a stranger to order: rotation needs two. */
const mostSignatures = 10;

interface Signed {
  readonly id: string;
  /** Epoch seconds, in digits. */
  readonly timestamp: string;
  readonly signatures: readonly Uint8Array<ArrayBuffer>[];
}

/** The three headers under either set of names, never mixed. */
function readHeaders(headers: Headers): Signed | undefined {
  for (const prefix of ["webhook", "svix"]) {
    const [id, timestamp, list] = ["id", "timestamp", "signature"].map((name) => headers.get(`${prefix}-${name}`));
    if (!id || !timestamp || !list) continue;
    if (id.length > 256 || id.includes(".") || !/^\d{1,12}$/.test(timestamp)) return undefined;
    const signatures = list
      .split(" ")
      .slice(0, mostSignatures)
      .map((entry) => (entry.startsWith("v1,") ? base64(entry.slice(3)) : undefined))
      .filter((bytes) => bytes?.length === 32);
    return { id, timestamp, signatures: signatures as Uint8Array<ArrayBuffer>[] };
  }
  return undefined;
}

function hmacKey(secret: string): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", keyBytes(secret), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

function keyBytes(secret: string): Uint8Array<ArrayBuffer> {
  const bytes = secret.startsWith("whsec_") ? base64(secret.slice(6)) : undefined;
  if (!bytes || bytes.length < 16)
    return bad(
      "webhook.secrets",
      "holds no signing secret: those are whsec_ and base64; copy it whole from the webhook portal",
    );
  return bytes;
}

function base64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}
