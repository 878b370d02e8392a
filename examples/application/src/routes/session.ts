import type { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import type { Sessions } from "../sessions.ts";
import { sampleUsers } from "../users.ts";

/** Signing in, which is choosing, and signing out. */
export function serveSession(app: Hono, sessions: Sessions): void {
  app.post("/session", async (context) => {
    const form = await context.req.parseBody();
    const user = sampleUsers.find(({ id }) => id === form.user);
    if (!user) throw new HTTPException(400, { message: "Nobody of that name is here." });
    sessions.begin(context, user);
    return context.redirect("/", 303);
  });

  app.post("/session/end", (context) => {
    sessions.end(context);
    return context.redirect("/", 303);
  });
}
