import { getRequestListener } from "@hono/node-server";
import { allowInsecureLoopback, createConnector, keyring } from "@linkwright/core";
import { fiskl } from "@linkwright/fiskl";
import { sqliteStore } from "@linkwright/store-sqlite";
import { createHandlers } from "@linkwright/web";
import express, { type Request } from "express";

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
const signedIn = (request: Request): string | undefined => /\buser=(\w+)/.exec(request.headers.cookie ?? "")?.[1];

// #region links
const links = createHandlers({
  connector,
  origin,
  owner: (_request, request: Request) => signedIn(request),
  webhook: { books: ({ event }) => console.log(`books: ${event.type}`) },
  [allowInsecureLoopback]: true,
});

const app = express();
// Before any parser of bodies: a webhook is verified over its bytes as they came. Not by app.use, which would take the path away.
app.all("/linkwright/*path", (request, response) =>
  getRequestListener((webRequest) => links.handler(webRequest, request), { overrideGlobalObjects: false })(
    request,
    response,
  ),
);
// #endregion

app.get("/invoices", async (request, response) => {
  const owner = signedIn(request);
  if (owner === undefined) response.status(401).end();
  else response.json(await invoicesOf(owner));
});
app.get("/", (_request, response) => void response.type("html").send(page));

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

app.listen(Number(env("PORT")), "127.0.0.1");
