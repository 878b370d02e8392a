import { type Connection, isConnectorError } from "@linkwright/core";
import { json, wantsPage } from "./answers.ts";
import { bindingsOf, sessionOf } from "./binding.ts";
import { Refusal } from "./failure.ts";
import { readForm } from "./form.ts";
import { relay, unmarked } from "./relay.ts";
import { findReturnTo } from "./return-cookie.ts";
import type { Site } from "./site.ts";
import { summaryOf } from "./summary.ts";
import { checkMethod, onward, type Visit } from "./visit.ts";

/** Finishes an authorization, by query or by form post. */
export async function callback(site: Site, visit: Visit): Promise<Response> {
  const { request, context } = visit;
  checkMethod(request, "GET", "POST");
  const { pathname, search } = new URL(request.url);
  const redirectUri = site.redirectUriAt(pathname);
  if (redirectUri === undefined) throw new Refusal("not_found");
  const form = request.method === "POST" ? await readForm(request) : undefined;
  const everything = new URLSearchParams([...new URLSearchParams(search), ...(form ?? [])]);

  const owner = await site.owner(request, context).catch((error: unknown) => {
    if (error instanceof Refusal) return undefined;
    throw error;
  });
  const bindings = bindingsOf(site.cookies, request);
  if (owner === undefined || bindings.length === 0) {
    const again = wantsPage(request) ? relay(request, redirectUri, everything) : undefined;
    if (again) return again;
  }
  if (owner === undefined) throw new Refusal("signed_out");
  visit.owner = owner;
  const forget = await findReturnTo(site, visit, everything);
  // Without a binding core is asked all the same, and says what is wrong with the callback.
  const sessions = (bindings.length > 0 ? bindings : [""]).map((binding) => sessionOf(binding, owner));
  const connection = await complete(site, sessions, () => rebuilt(redirectUri, search, form));
  if (forget !== undefined) visit.cookies.push(forget);
  if (!wantsPage(request)) return json({ connection: await summaryOf(connection) });
  return onward(site, visit, { outcome: "connected", owner, connection, returnTo: visit.returnTo });
}

/** Completes with whichever of the sessions the flow was begun in. */
async function complete(
  site: Site,
  [session = "", ...others]: readonly string[],
  request: () => Request,
): Promise<Connection> {
  try {
    return await site.connector.complete(request(), { session });
  } catch (error) {
    // It was said before anything was done.
    const elsewhere = isConnectorError(error) && error.fault.kind === "flow" && error.fault.reason === "wrong_browser";
    if (!elsewhere || others.length === 0) throw error;
    return complete(site, others, request);
  }
}

/** The callback as it was configured: what a request says of host and scheme, or a proxy of either, is not looked at. */
function rebuilt(redirectUri: string, search: string, form: URLSearchParams | undefined): Request {
  const url = new URL(redirectUri);
  url.search = search;
  return form ? new Request(url, { method: "POST", body: unmarked(form) }) : new Request(url);
}
