import { isConnectorError } from "@linkwright/core";
import { protectedResponse } from "./answers.ts";
import { codeOf, Refusal, secondsUntil } from "./failure.ts";
import type { Site } from "./site.ts";
import { statusOf } from "./status.ts";
import { checkMethod, lastSegment } from "./visit.ts";

/** Largest body: 1 MiB, as core reads it. */
const largest = 1024 * 1024;

/**
 * Receives a provider's message. It is verified over the bytes as they came, applied, handled by the application, and only then
 * remembered as seen and answered 204. Whatever fails before is answered so that the provider sends it again.
 */
export async function webhook(site: Site, request: Request): Promise<Response> {
  let hostFailed = false;
  try {
    checkMethod(request, "POST");
    const name = lastSegment(request);
    const receive = site.handle(name)?.webhook;
    if (!receive) throw new Refusal("not_found");
    if (Number(request.headers.get("content-length") ?? 0) > largest) throw new Refusal("too_large");
    const own = Object.hasOwn(site.webhooks, name) ? site.webhooks[name] : undefined;
    await receive(request, {
      async handle(receipt) {
        hostFailed = true;
        await own?.(receipt);
        hostFailed = false;
      },
    });
    return protectedResponse(new Response(null, { status: 204 }));
  } catch (error) {
    // The application's own failure says nothing of the message, also where it is a fault of a connection's.
    const status = hostFailed ? 500 : statusForSender(error);
    if (hostFailed || !(error instanceof Refusal || codeOf(error) === "retry")) site.report(error, request);
    return protectedResponse(new Response(null, { status, headers: headersOf(error) }));
  }
}

/**
 * A message that is not the provider's, or not readable, is the sender's fault; nothing says which. Any other fault came of
 * what was asked because of it: the message is to come again.
 */
function statusForSender(error: unknown): number {
  const code = codeOf(error);
  if (code === "protocol") return 400;
  return error instanceof Refusal ? statusOf(code) : Math.max(500, statusOf(code));
}

function headersOf(error: unknown): Record<string, string> {
  if (error instanceof Refusal && error.allow !== undefined) return { allow: error.allow };
  if (isConnectorError(error) && error.fault.kind === "retry")
    return { "retry-after": String(secondsUntil(error.fault.retryAt)) };
  return {};
}
