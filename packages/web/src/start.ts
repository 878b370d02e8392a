import { ConnectorError } from "@linkwright/core";
import { json, page, wantsPage } from "./answers.ts";
import { bind, sessionOf } from "./binding.ts";
import { Refusal } from "./failure.ts";
import { readForm } from "./form.ts";
import { departurePage } from "./pages.ts";
import { keepReturnTo } from "./return-cookie.ts";
import { checkSameOrigin } from "./same-origin.ts";
import type { Site } from "./site.ts";
import { checkMethod, lastSegment, type Visit } from "./visit.ts";

/** Begins an authorization: the user's intent, said by a form of this origin (FAPI 2.0 security profile, section 5.3.3.1). */
export async function start(site: Site, visit: Visit): Promise<Response> {
  const { request, context } = visit;
  checkMethod(request, "POST");
  checkSameOrigin(request, site.origin);
  const owner = await site.owner(request, context);
  visit.owner = owner;
  const name = lastSegment(request);
  const handle = site.handle(name);
  if (!handle?.connect) throw new Refusal("not_found");
  const form = await readForm(request);
  visit.returnTo = site.returnTo(form.get("returnTo"));
  const connection = form.get("connection") ?? undefined;
  const parameters = await site.parameters(name, { owner, form, request, context });
  if (!parameters) throw new Refusal("bad_request");
  const { value, cookie } = bind(site.cookies, request);
  const flow = await handle.connect({
    ...parameters,
    owner,
    session: sessionOf(value, owner),
    ...(connection !== undefined && { connection }),
  });
  checkWeb(flow.url, name);
  visit.cookies.push(cookie);
  await keepReturnTo(site, visit, flow);
  return wantsPage(request) ? page(departurePage(flow.url)) : json({ url: flow.url, expiresAt: flow.expiresAt });
}

/** A provider's answer may name the page; it is to be a page. */
function checkWeb(url: string, registration: string): void {
  if (/^https?:\/\//i.test(url)) return;
  throw new ConnectorError({ kind: "protocol" }, "The provider's page has an address that is none of the web's.", {
    registration,
  });
}
