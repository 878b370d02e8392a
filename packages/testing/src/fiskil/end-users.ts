import type { Context, Hono } from "hono";
import { opaque } from "../oauth/grants.ts";
import { endConsent } from "./consents.ts";
import type { FiskilEndUser, FiskilState } from "./options.ts";
import { authorize, cursorRefusal, paged, refuse, type Version } from "./wire.ts";

/** `/v1/end-users`: the people whose data the team reads. */
export function serveEndUsers(app: Hono, state: FiskilState, versionOf: (context: Context) => Version): void {
  const { endUsers, switches } = state;
  const missing = () => refuse("goa", 404, "end_user_not_found", "no such end user");

  app.post("/v1/end-users", async (context) => {
    const token = authorize(state, context, "api:user.write", "goa");
    if (token instanceof Response) return token;
    const members = await readMembers(context);
    if (!members) return refuse("goa", 400, "bad_request", "members are strings");
    if (switches.uniqueEmail && members.email && [...endUsers.values()].some(({ email }) => email === members.email)) {
      return refuse("goa", 400, "end_user_already_exists", "an end user with this email exists");
    }
    const id = opaque("eu");
    endUsers.set(id, { id, ...members });
    return context.json({ end_user_id: id });
  });

  app.get("/v1/end-users", (context) => {
    const token = authorize(state, context, "api:user.read", "goa");
    if (token instanceof Response) return token;
    const wanted = context.req.query("email");
    const found = [...endUsers.values()].filter(({ email }) => wanted === undefined || email === wanted);
    if (versionOf(context) !== "v3") return context.json(found.map(shown));
    const page = paged(state, context, found);
    return page ? context.json({ end_users: page.items.map(shown), links: page.links }) : cursorRefusal("goa");
  });

  app.get("/v1/end-users/:id", (context) => {
    const token = authorize(state, context, "api:user.read", "goa");
    if (token instanceof Response) return token;
    const found = endUsers.get(context.req.param("id"));
    return found ? context.json(shown(found)) : missing();
  });

  app.post("/v1/end-users/:id", async (context) => {
    const token = authorize(state, context, "api:user.write", "goa");
    if (token instanceof Response) return token;
    const found = endUsers.get(context.req.param("id"));
    if (!found) return missing();
    const members = await readMembers(context);
    if (!members) return refuse("goa", 400, "bad_request", "members are strings");
    Object.assign(found, members);
    return context.body(null, 204);
  });

  app.delete("/v1/end-users/:id", (context) => {
    const token = authorize(state, context, "api:user.write", "goa");
    if (token instanceof Response) return token;
    const id = context.req.param("id");
    if (!endUsers.delete(id)) return missing();
    if (switches.deletingEndUserRevokesConsents) {
      for (const consent of state.consents.values())
        if (consent.endUserId === id) endConsent(state, consent, "Revoked");
    }
    return context.body(null, 204);
  });
}

const shown = ({ id, email, name, phone }: FiskilEndUser) => ({ id, email, name, phone });

async function readMembers(context: Context): Promise<Omit<FiskilEndUser, "id"> | undefined> {
  const body: unknown = await context.req.json().catch(() => undefined);
  if (typeof body !== "object" || body === null) return undefined;
  const known = Object.entries(body).filter(([name]) => ["email", "name", "phone", "abn"].includes(name));
  return known.every(([, value]) => typeof value === "string") ? Object.fromEntries(known) : undefined;
}
