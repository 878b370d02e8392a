import type { Clock } from "@linkwright/core";
import type { RateLimit } from "./options.ts";

/** A window that begins with its first request. @returns The headers of a 429, or `undefined` while there is room. */
export function rateLimiter(clock: Clock, limit: RateLimit | undefined): () => Headers | undefined {
  let began = Number.NEGATIVE_INFINITY;
  let count = 0;
  return () => {
    if (!limit) return undefined;
    const now = clock.now();
    const length = limit.seconds * 1000;
    if (now >= began + length) {
      began = now;
      count = 0;
    }
    count += 1;
    if (count <= limit.requests) return undefined;
    const headers = new Headers();
    const end = began + length;
    if (limit.retryAfter === "date") headers.set("retry-after", new Date(end).toUTCString());
    else if (limit.retryAfter !== "none") headers.set("retry-after", String(Math.ceil((end - now) / 1000)));
    return headers;
  };
}
