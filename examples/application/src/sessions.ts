import { randomBytes } from "node:crypto";
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { parse } from "hono/utils/cookie";
import type { SampleUser } from "./users.ts";

/** One browser that somebody signed in with. */
export interface Session {
  readonly user: SampleUser;
  /** What the next page says once. */
  notes: string[];
}

export interface Sessions {
  of(request: Request): Session | undefined;
  /** Signs in under a new id, whatever the browser held before. */
  begin(context: Context, user: SampleUser): Session;
  end(context: Context): void;
}

/** Seconds. */
const lifetime = 8 * 3600;

/** Keeps sessions in memory, which is enough for one process that may forget them. */
export function createSessions({ secure }: { readonly secure: boolean }): Sessions {
  const sessions = new Map<string, Session & { readonly expiresAt: number }>();
  // The prefix makes browsers refuse such a cookie from a subdomain; they take it over https alone.
  const name = secure ? "__Host-session" : "session";
  const options = { httpOnly: true, sameSite: "Lax", path: "/", secure } as const;

  const end = (context: Context) => {
    sessions.delete(getCookie(context, name) ?? "");
    deleteCookie(context, name, options);
  };
  return {
    of(request) {
      const id = parse(request.headers.get("cookie") ?? "", name)[name];
      const session = sessions.get(id ?? "");
      return session && session.expiresAt > Date.now() ? session : undefined;
    },
    begin(context, user) {
      sessions.delete(getCookie(context, name) ?? "");
      for (const [id, { expiresAt }] of sessions) if (expiresAt <= Date.now()) sessions.delete(id);
      const id = randomBytes(32).toString("base64url");
      const session = { user, notes: [], expiresAt: Date.now() + lifetime * 1000 };
      sessions.set(id, session);
      setCookie(context, name, id, { ...options, maxAge: lifetime });
      return session;
    },
    end,
  };
}
