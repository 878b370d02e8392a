import type { Hono } from "hono";
import { permissions } from "./data.ts";
import type { FiskilState } from "./options.ts";
import { authorize, refuse } from "./wire.ts";

/** `/v1/institutions` and `/v1/permissions`. */
export function serveReference(app: Hono, state: FiskilState): void {
  const { institutions, switches, teamId } = state;

  app.get("/v1/institutions", (context) => {
    const token = authorize(state, context, undefined, "goa");
    if (token instanceof Response) return token;
    const { client_id: clientId, industry } = context.req.query();
    const accepted = { team: [teamId], key: [token.clientId], either: [teamId, token.clientId] };
    if (clientId === undefined || !accepted[switches.institutionsClientId].includes(clientId)) {
      return refuse("goa", 400, "bad_request", "client_id is required");
    }
    const found = institutions
      .filter((one) => industry === undefined || one.industry === industry)
      .map((one) => ({ ...one, icon: "https://img.example/i.svg", logo: "https://img.example/l.svg" }));
    return context.json(switches.institutionsWrapped ? { institutions: found } : found);
  });

  app.get("/v1/institutions/:id", (context) => {
    const token = authorize(state, context, undefined, "goa");
    if (token instanceof Response) return token;
    const found = institutions.find(({ id }) => id === context.req.param("id"));
    return found ? context.json(found) : refuse("goa", 404, "not_found", "no such institution");
  });

  app.get("/v1/permissions", (context) => {
    const token = authorize(state, context, undefined, "goa");
    if (token instanceof Response) return token;
    const industry = context.req.query("industry");
    return context.json(permissions.filter((one) => industry === undefined || one.industry === industry));
  });
}
