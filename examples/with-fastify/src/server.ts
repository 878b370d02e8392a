import { getRequestListener } from "@hono/node-server";
import { allowInsecureLoopback, createConnector, keyring } from "@linkwright/core";
import { fiskl } from "@linkwright/fiskl";
import { sqliteStore } from "@linkwright/store-sqlite";
import { createHandlers } from "@linkwright/web";
import fastify, { type FastifyRequest } from "fastify";

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
const signedIn = (request: FastifyRequest): string | undefined =>
  /\buser=(\w+)/.exec(request.headers.cookie ?? "")?.[1];

// #region links
const links = createHandlers({
  connector,
  origin,
  owner: (_request, request: FastifyRequest) => signedIn(request),
  webhook: { books: ({ event }) => console.log(`books: ${event.type}`) },
  [allowInsecureLoopback]: true,
});

const app = fastify();
await app.register(async (scope) => {
  // Bodies are left as they come: a webhook is verified over its bytes.
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", (_request, _body, done) => done(null));
  scope.all("/linkwright/*", async (request, reply) => {
    reply.hijack();
    const answer = getRequestListener((webRequest) => links.handler(webRequest, request), {
      overrideGlobalObjects: false,
    });
    await answer(request.raw, reply.raw);
  });
});
// #endregion

app.get("/invoices", async (request, reply) => {
  const owner = signedIn(request);
  return owner === undefined ? reply.code(401).send() : invoicesOf(owner);
});
app.get("/", (_request, reply) => reply.type("text/html; charset=utf-8").send(page));

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

await app.listen({ port: Number(env("PORT")), host: "127.0.0.1" });
