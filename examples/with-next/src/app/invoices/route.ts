import { linkwright, signedIn } from "../../links.ts";

/** What accounts are linked for. */
export async function GET(request: Request): Promise<Response> {
  const owner = signedIn(request);
  if (owner === undefined) return new Response(null, { status: 401 });
  const invoices: unknown[] = [];
  for await (const connection of linkwright().connector.connections({ owner }))
    invoices.push(...(await (await connection.fetch("/v1/invoices")).json()));
  return Response.json(invoices);
}
