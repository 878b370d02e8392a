import { serve } from "@hono/node-server";
import { allowInsecureLoopback, createConnector, keyring } from "@linkwright/core";
import { fiskl } from "@linkwright/fiskl";
import { sqliteStore } from "@linkwright/store-sqlite";
import { createHandlers } from "@linkwright/web";
import { type Context, Hono } from "hono";
import { getCookie } from "hono/cookie";

const env = (name: string): string => process.env[name] ?? "";
const origin = env("APP_ORIGIN"); // where browsers reach the application

const connector = createConnector({
  providers: {
    books: fiskl({
      client: "confidential",
      clientId: env("FISKL_CLIENT_ID"),
      clientSecret: env("FISKL_CLIENT_SECRET"),
      redirectUri: `${origin}/linkwright/callback/books`,
      baseUrl: env("FISKL_BASE_URL"),
      issuer: env("FISKL_ISSUER"),
      discovery: true,
      scope: ["invoicing:read"],
      webhook: { secrets: env("FISKL_WEBHOOK_SECRET") },
    }),
  },
  store: sqliteStore(env("LINKWRIGHT_DATABASE")),
  keys: keyring([{ id: "1", key: Buffer.from(env("LINKWRIGHT_KEY"), "base64") }]),
  [allowInsecureLoopback]: true, // for development
});

/** Stands for your own sign-in. This one believes a cookie. */
const signedIn = (context: Context): string | undefined => getCookie(context, "user");

// #region links
const links = createHandlers({
  connector,
  origin,
  owner: (_request, context: Context) => signedIn(context),
  webhook: { books: ({ event }) => console.log(`books: ${event.type}`) },
  [allowInsecureLoopback]: true,
});

const app = new Hono();
app.all("/linkwright/*", (context) => links.handler(context.req.raw, context));
// #endregion

app.get("/invoices", async (context) => {
  const owner = signedIn(context);
  return owner === undefined ? context.text("Sign in first.", 401) : context.json(await invoicesOf(owner));
});
app.get("/", (context) => context.html(page));

/** A page needs a form and no script. */
const page = `<!doctype html>
<title>Books</title>
<form method="post" action="/linkwright/start/books">
<input type="hidden" name="returnTo" value="/">
<button>Connect your books</button>
</form>`;

/** What accounts are linked for. */
async function invoicesOf(owner: string): Promise<unknown[]> {
  const invoices: unknown[] = [];
  for await (const connection of connector.connections({ owner }))
    invoices.push(...(await (await connection.fetch("/v1/invoices")).json()));
  return invoices;
}

serve({ fetch: app.fetch, port: Number(env("PORT")), hostname: "127.0.0.1" });
