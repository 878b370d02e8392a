import { readFileSync } from "node:fs";
import { type Clock, systemClock } from "@linkwright/core";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Configuration } from "./configuration.ts";
import type { SampleConnector } from "./connector.ts";
import { createLinks } from "./links.ts";
import { type Offer, offersOf } from "./offers.ts";
import { notFoundHandler, problemHandler } from "./problems.ts";
import { protectiveHeaders, sameOrigin } from "./protection.ts";
import { serveConnections } from "./routes/connections.ts";
import { serveSession } from "./routes/session.ts";
import { createSessions, type Sessions } from "./sessions.ts";

/** What the rooms of the application share. */
export interface House {
  readonly connector: SampleConnector;
  readonly offers: readonly Offer[];
  readonly sessions: Sessions;
  readonly clock: Clock;
}

/** The sample application, as a handler of Web-standard requests. */
export function createApplication(
  connector: SampleConnector,
  configuration: Configuration,
  clock: Clock = systemClock,
): Hono {
  const { origin } = configuration;
  const sessions = createSessions({ secure: origin.startsWith("https:") });
  const house: House = { connector, offers: offersOf(connector), sessions, clock };
  const links = createLinks(house, configuration);

  const app = new Hono();
  app.use(protectiveHeaders);
  app.use(bodyLimit({ maxSize: 1024 * 1024 }));
  serveFile(app, "style.css", "text/css; charset=utf-8");
  serveFile(app, "icon.svg", "image/svg+xml");
  // Callbacks and webhooks come from elsewhere by their nature: the handlers know what protects each.
  for (const path of ["/linkwright/*", "/callback/*"]) app.all(path, (context) => links.handler(context.req.raw));
  app.use(sameOrigin(origin));
  serveSession(app, sessions);
  serveConnections(app, house);
  app.notFound(notFoundHandler(house));
  app.onError(problemHandler(house));
  return app;
}

function serveFile(app: Hono, name: string, type: string): void {
  const text = readFileSync(new URL(name, import.meta.url), "utf8");
  app.get(`/${name}`, (context) => context.body(text, 200, { "content-type": type }));
}
