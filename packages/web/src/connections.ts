import { isConnectorError } from "@linkwright/core";
import { json } from "./answers.ts";
import type { Site } from "./site.ts";
import { type ConnectionSummary, summaryOf } from "./summary.ts";
import { checkMethod, type Visit } from "./visit.ts";

/** The owner's connections, as JSON. */
export async function connections(site: Site, visit: Visit): Promise<Response> {
  const { request, context } = visit;
  checkMethod(request, "GET");
  const owner = await site.owner(request, context);
  visit.owner = owner;
  const found: ConnectionSummary[] = [];
  for await (const connection of site.connector.connections({ owner })) {
    // Disconnected between the listing and this look.
    const summary = await summaryOf(connection).catch(unlessGone);
    if (summary) found.push(summary);
  }
  return json({ connections: found });
}

function unlessGone(error: unknown): undefined {
  if (!isConnectorError(error) || error.fault.kind !== "gone") throw error;
}
