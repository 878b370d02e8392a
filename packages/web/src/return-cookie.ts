import type { Flow } from "@linkwright/core";
import { digest } from "./encoding.ts";
import type { Site } from "./site.ts";
import type { Visit } from "./visit.ts";

/** Seconds for which a flow's `returnTo` is kept. */
const lifetime = 3600;

const name = "to-";

/** Keeps where a flow returns to in a cookie of its own: flows in several tabs go back to where each began. */
export async function keepReturnTo(site: Site, visit: Visit, flow: Flow): Promise<void> {
  if (visit.returnTo === undefined) return;
  // A callback brings the one or the other.
  const keys = await Promise.all([flow.state, ...(flow.handle === undefined ? [] : [flow.handle])].map(keyFor));
  visit.cookies.push(site.cookies.line(name + keys.join("."), encodeURIComponent(visit.returnTo), lifetime));
}

/**
 * Finds it again, by the callback's `state` or the handle of its session; what a cookie says is checked as if it were new.
 *
 * @returns The line that takes the cookie back.
 */
export async function findReturnTo(site: Site, visit: Visit, callback: URLSearchParams): Promise<string | undefined> {
  const kept = site.cookies.read(visit.request, name);
  if (kept.size === 0) return undefined;
  const brought = await Promise.all([...callback].slice(0, 20).map(([, value]) => keyFor(value)));
  for (const [keys, path] of kept) {
    if (!keys.split(".").some((key) => brought.includes(key))) continue;
    visit.returnTo = site.returnTo(decoded(path));
    return site.cookies.line(name + keys, "", 0);
  }
  return undefined;
}

/** Half of a digest: it names a cookie and protects nothing. */
const keyFor = async (value: string): Promise<string> => (await digest(value)).slice(0, 22);

function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
