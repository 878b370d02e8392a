import { ConnectorError, misconfigured } from "./faults.ts";

/** Largest body of a callback or a webhook that is read: 1 MiB. */
const largestBody = 1024 * 1024;

/**
 * The body of a request to the application exactly as it came. One that is too large is not read to its end.
 *
 * @param what - Whose body, for messages: `complete`, or `webhook`.
 * @throws {ConnectorError} `protocol` where it is too large or breaks off, `configuration` where somebody read it before.
 */
export async function readBody(request: Request, what: string): Promise<Uint8Array<ArrayBuffer>> {
  if (request.bodyUsed || request.body?.locked)
    throw misconfigured(`${what}: the request's body was read before; hand the request over as it came`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  const next = async () => {
    try {
      return await reader?.read();
    } catch {
      // What the stream says is not repeated: it may quote what it carried.
      throw new ConnectorError({ kind: "protocol" }, `${what}: the request's body broke off.`);
    }
  };
  for (let part = await next(); part && !part.done; part = await next()) {
    length += part.value.byteLength;
    if (length > largestBody) {
      await reader?.cancel().catch(() => {});
      throw new ConnectorError({ kind: "protocol" }, `${what}: the request's body is larger than 1 MiB.`);
    }
    chunks.push(part.value);
  }
  const body = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return body;
}
