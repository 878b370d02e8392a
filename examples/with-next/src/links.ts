import { allowInsecureLoopback, createConnector, keyring } from "@linkwright/core";
import { fiskl } from "@linkwright/fiskl";
import { sqliteStore } from "@linkwright/store-sqlite";
import { createHandlers } from "@linkwright/web";

/** Stands for your own sign-in. This one believes a cookie. */
export const signedIn = (request: Request): string | undefined =>
  /\buser=(\w+)/.exec(request.headers.get("cookie") ?? "")?.[1];

function create() {
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
  const links = createHandlers({
    connector,
    origin,
    owner: signedIn,
    webhook: { books: ({ event }) => console.log(`books: ${event.type}`) },
    [allowInsecureLoopback]: true,
  });
  return { connector, links };
}

let made: ReturnType<typeof create> | undefined;

/** Made when first needed: a build reads no secret and opens no database. */
export const linkwright = (): ReturnType<typeof create> => {
  made ??= create();
  return made;
};
