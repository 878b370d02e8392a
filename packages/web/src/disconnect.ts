import { json, wantsPage } from "./answers.ts";
import { readForm } from "./form.ts";
import { checkSameOrigin } from "./same-origin.ts";
import type { Site } from "./site.ts";
import { checkMethod, lastSegment, onward, type Visit } from "./visit.ts";

/** Lets go of a connection. Whatever may live on at the provider can be disconnected again: the connection stays until it is settled. */
export async function disconnect(site: Site, visit: Visit): Promise<Response> {
  const { request, context } = visit;
  checkMethod(request, "POST");
  checkSameOrigin(request, site.origin);
  const owner = await site.owner(request, context);
  visit.owner = owner;
  visit.returnTo = site.returnTo((await readForm(request)).get("returnTo"));
  const connection = await site.connector.connection(lastSegment(request), { owner });
  const report = await connection.disconnect();
  if (!wantsPage(request)) return json(report, report.disconnected ? 200 : 202);
  const { id, registration } = connection;
  return onward(site, visit, {
    outcome: "disconnected",
    owner,
    connection: id,
    registration,
    report,
    returnTo: visit.returnTo,
  });
}
