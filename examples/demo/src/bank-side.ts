import { readFileSync } from "node:fs";
import { listen, type RunningApplication, sameOrigin } from "@linkwright/example-application";
import { Hono } from "hono";
import { html } from "hono/html";
import { days, minutes } from "./time.ts";
import type { World } from "./world.ts";

/** Something that happens to connections without their user's or the application's doing. */
interface Happening {
  readonly name: string;
  readonly label: string;
  happen(): Promise<unknown> | unknown;
}

/** The application's own. */
const style = readFileSync(new URL(import.meta.resolve("@linkwright/example-application/style.css")), "utf8");

/** A page that plays time and the providers, so that the health of connections can be seen to change. */
export async function serveBankSide(world: World): Promise<{ readonly origin: string; close(): Promise<void> }> {
  const listener = await listen({ port: 0 });
  const origin = `http://localhost:${listener.port}`;
  const happenings = happeningsOf(world);
  const app = new Hono();
  app.use(sameOrigin(origin));
  app.get("/style.css", (context) => context.body(style, 200, { "content-type": "text/css; charset=utf-8" }));
  app.get("/", (context) => context.html(page(happenings, world.application, context.req.query("did"))));
  app.post("/:name", async (context) => {
    const happening = happenings.find(({ name }) => name === context.req.param("name"));
    if (!happening) return context.notFound();
    await happening.happen();
    return context.redirect(`/?did=${happening.name}`, 303);
  });
  listener.answerWith(app.fetch);
  return { origin, close: listener.close };
}

function happeningsOf({ clock, simulators, application }: World): readonly Happening[] {
  const { fiskil, fiskl, flinks } = simulators;
  return [
    { name: "minutes", label: "15 minutes pass", happen: () => clock.advance(minutes(15)) },
    {
      name: "month",
      label: "29 days pass, with a sweep of maintenance on each",
      async happen() {
        for (let day = 1; day <= 29; day++) {
          await clock.advance(days(1));
          await application.connector.maintain();
        }
      },
    },
    {
      name: "fiskil",
      label: "Users withdraw their consents that Fiskil holds",
      async happen() {
        for (const { arrangementId } of fiskil.consents.values()) fiskil.withdrawConsent(arrangementId);
        await fiskil.webhooks.settled();
      },
    },
    { name: "fiskl", label: "Fiskl revokes every grant", happen: () => fiskl.revokeGrants() },
    { name: "flinks", label: "Flinks revokes every grant", happen: () => flinks.revokeGrants() },
    {
      name: "outage",
      label: "Flinks answers the next three token requests with 503",
      happen: () => flinks.faults.next("status", { status: 503, times: 3 }),
    },
  ];
}

function page(happenings: readonly Happening[], { origin }: RunningApplication, did: string | undefined) {
  const done = happenings.find(({ name }) => name === did);
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>The other side</title>
    <link rel="stylesheet" href="/style.css" />
  </head>
  <body>
    <main>
      <div class="card message">
        <h1>The other side</h1>
        <p>Time and the simulated providers, at your command. What comes of it is told by <a href="${origin}">the application</a>: a grant that
          was revoked is noticed at the next renewal or call.</p>
        ${done ? html`<p class="note" role="status">Done: ${done.label}.</p>` : ""}
        <form class="choices" method="post">
          ${happenings.map(({ name, label }) => html`<button class="choice" formaction="/${name}">${label}</button>`)}
        </form>
      </div>
    </main>
  </body>
</html>`;
}
