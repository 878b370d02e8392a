import { type Connection, isConnectorError } from "@linkwright/core";
import type { Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import type { House } from "../application.ts";
import { titleOf } from "../offers.ts";
import { answerPage } from "../pages/answer.ts";
import { connectionPage } from "../pages/connection.ts";
import type { Listed } from "../pages/connection-card.ts";
import { connectionsPage } from "../pages/connections.ts";
import { disconnectingPage } from "../pages/disconnecting.ts";
import { signInPage } from "../pages/sign-in.ts";
import type { Session } from "../sessions.ts";

/** What users see of their connections. Whatever is asked, the owner is whoever is signed in. */
export function serveConnections(app: Hono, { connector, offers, sessions, clock }: House): void {
  const signedIn = (context: Context): Session => {
    const session = sessions.of(context.req.raw);
    if (!session) throw new HTTPException(401);
    return session;
  };
  const owned = (context: Context, { user }: Session) =>
    connector.connection(context.req.param("id") ?? "", { owner: user.id });
  const listedOf = async (connection: Connection): Promise<Listed> => ({
    connection,
    status: await connection.status(),
    title: titleOf(connection.registration),
  });

  app.get("/", async (context) => {
    const session = sessions.of(context.req.raw);
    if (!session) return context.html(signInPage());
    const listed: Listed[] = [];
    for await (const connection of connector.connections({ owner: session.user.id })) {
      // Disconnected between the listing and this look.
      const one = await listedOf(connection).catch(unlessGone);
      if (one) listed.push(one);
    }
    listed.sort(
      (one, other) => one.title.localeCompare(other.title) || one.connection.id.localeCompare(other.connection.id),
    );
    const notes = session.notes.splice(0);
    return context.html(connectionsPage({ session, notes, listed, offers, now: clock.now() }));
  });

  app.get("/connections/:id", async (context) => {
    const session = signedIn(context);
    const listed = await listedOf(await owned(context, session));
    const notes = session.notes.splice(0);
    return context.html(connectionPage({ session, notes, now: clock.now(), ...listed }));
  });

  app.get("/connections/:id/disconnect", async (context) => {
    const session = signedIn(context);
    return context.html(disconnectingPage(session, await listedOf(await owned(context, session))));
  });

  app.post("/connections/:id/call", async (context) => {
    const session = signedIn(context);
    const connection = await owned(context, session);
    const offer = offers.find(({ registration }) => registration === connection.registration);
    if (!offer) throw new HTTPException(404);
    const { title, sample } = offer;
    const response = await connection.fetch(sample, { headers: { accept: "application/json" } });
    const text = readable(await response.text());
    return context.html(answerPage(session, { title, path: sample, status: response.status, text }));
  });
}

function unlessGone(error: unknown): undefined {
  if (isConnectorError(error) && error.fault.kind === "gone") return undefined;
  throw error;
}

/** Characters of an answer that are shown. */
const longest = 20_000;

function readable(text: string): string {
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // It is no JSON, and is shown as it came.
  }
  return shown.length > longest ? `${shown.slice(0, longest)}…` : shown;
}
