import { Hono } from "hono";
import type { ConsentDecision } from "../consent.ts";
import { faultKinds } from "../fault-kinds.ts";
import type { JournalFilter } from "../journal.ts";
import { ControlError, json, members } from "./control-request.ts";
import { createFaultDrawer } from "./fault-drawer.ts";
import type { Opened } from "./providers.ts";

/** Below which the simulator is steered. */
export const controlPath = "/_control";

/** Steers a simulator over HTTP: for who tests in another language. JSON in and out. */
export function controlDesk(provider: string, { simulator, addresses, credentials }: Opened) {
  const { clock, journal } = simulator;
  const drawer = createFaultDrawer(simulator.faults);
  const app = new Hono().basePath(controlPath);

  app.use("*", async (context, next) => {
    refuseStrangers(context.req.raw);
    await next();
  });
  app.onError((error, context) => {
    if (error instanceof ControlError) return context.json({ message: error.message }, error.status);
    return context.json({ message: error.message }, 400);
  });
  app.notFound((context) =>
    context.json({ message: `There is no ${context.req.path}; GET ${controlPath} lists what is.` }, 404),
  );

  const time = () => ({ now: clock.now(), iso: new Date(clock.now()).toISOString() });
  app.get("/", (context) =>
    context.json({
      provider,
      addresses,
      credentials,
      clock: time(),
      faults: Object.keys(faultKinds),
      switches: simulator.switches,
      routes: app.routes.filter(({ method }) => method !== "ALL").map(({ method, path }) => `${method} ${path}`),
    }),
  );

  app.get("/clock", (context) => context.json(time()));
  app.post("/clock/advance", async (context) => {
    const { milliseconds } = members(await json(context.req.raw), ["milliseconds"]);
    if (typeof milliseconds !== "number" || !(milliseconds >= 0))
      throw new ControlError(400, "milliseconds must be a number, 0 or more: time only moves forward.");
    await clock.advance(milliseconds);
    return context.json(time());
  });

  app.get("/journal", (context) => {
    const { method, path, grantType, ...unknown } = context.req.query();
    const [more] = Object.keys(unknown);
    if (more !== undefined)
      throw new ControlError(400, `The journal is filtered by method, path and grantType, not by ${more}.`);
    const filter: JournalFilter = {
      ...(method !== undefined && { method }),
      ...(path !== undefined && { path }),
      ...(grantType !== undefined && { grantType }),
    };
    return context.json({ entries: journal.filter(filter) });
  });
  app.delete("/journal", (context) => {
    journal.clear();
    return context.body(null, 204);
  });

  app.get("/faults", (context) => context.json({ faults: drawer.list() }));
  app.post("/faults", async (context) => context.json(drawer.arm(await json(context.req.raw)), 201));
  app.delete("/faults", (context) => {
    drawer.clear();
    return context.body(null, 204);
  });
  app.delete("/faults/:id", (context) => context.json(drawer.disarm(context.req.param("id"))));
  app.post("/faults/:id/release", async (context) => {
    await json(context.req.raw);
    return context.json(drawer.release(context.req.param("id")));
  });

  app.post("/consent", async (context) => {
    const known = ["url", "decision", "scopes", "user", "institution", "description"];
    const { url, ...decision } = members(await json(context.req.raw), known);
    if (typeof url !== "string" || !URL.canParse(url))
      throw new ControlError(400, "url must be the address of a consent page.");
    if (!Object.values(addresses).some((address) => new URL(address).origin === new URL(url).origin))
      throw new ControlError(400, "url leads elsewhere than to this simulator.");
    return context.json({ callback: await simulator.consent(url, decision as ConsentDecision) });
  });
  app.post("/revoke-grants", async (context) => {
    const { subject } = members(await json(context.req.raw), ["subject"]);
    if (!simulator.revokeGrants) throw new ControlError(404, `${provider} has no grants of users'.`);
    simulator.revokeGrants(typeof subject === "string" ? subject : undefined);
    return context.body(null, 204);
  });
  app.post("/revoke-access-tokens", async (context) => {
    members(await json(context.req.raw), []);
    simulator.revokeAccessTokens();
    return context.body(null, 204);
  });

  app.get("/switches", (context) => context.json(simulator.switches));
  app.patch("/switches", async (context) => {
    const changes = members(await json(context.req.raw), Object.keys(simulator.switches));
    Object.assign(simulator.switches, changes);
    return context.json(simulator.switches);
  });

  return (request: Request) => app.fetch(request);
}

/** A page in a browser cannot steer: neither by a name that leads here, nor by a form, which cannot send JSON. */
function refuseStrangers({ method, url, headers }: Request): void {
  const { hostname } = new URL(url);
  if (!["127.0.0.1", "localhost", "[::1]"].includes(hostname))
    throw new ControlError(403, "The simulator is steered from this machine alone.");
  if (headers.has("origin")) throw new ControlError(403, "The simulator is not steered from pages in a browser.");
  if (method === "POST" || method === "PATCH") {
    const type = headers.get("content-type")?.split(";")[0]?.trim();
    if (type !== "application/json")
      throw new ControlError(415, "Send JSON, as application/json; {} where there is nothing to say.");
  }
}
