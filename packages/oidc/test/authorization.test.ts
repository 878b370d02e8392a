import { afterAll, beforeAll, expect, test } from "vitest";
import { clientSecretBasic, clientSecretPost, publicClient } from "../src/index.ts";
import { application, owner, session } from "./support/application.ts";
import { type IndependentServer, independentServer, redirectUri } from "./support/server.ts";

const secret = "a-secret-of-more-than-thirty-two-bytes";

let server: IndependentServer;
beforeAll(async () => {
  const client = {
    client_secret: secret,
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    scope: "openid offline_access read write",
  };
  server = await independentServer({
    clients: [
      { ...client, client_id: "basic", token_endpoint_auth_method: "client_secret_basic" },
      { ...client, client_id: "post", token_endpoint_auth_method: "client_secret_post" },
      { ...client, client_id: "public", client_secret: undefined, token_endpoint_auth_method: "none" },
    ],
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const authentications = {
  basic: clientSecretBasic(secret),
  post: clientSecretPost(secret),
  public: publicClient(),
};

for (const client of ["basic", "post", "public"] as const)
  for (const discovery of ["oidc", "oauth2"] as const)
    test(`C1 C9 ${client}, discovered by ${discovery}: code with PKCE and ID token, then refresh`, async () => {
      const { connector, bank, clock, complete, to } = application({
        issuer: server.origin,
        discovery,
        clientId: client,
        authentication: authentications[client],
        redirectUri,
        scope: ["openid", "offline_access", "read"],
        api: server.origin,
      });
      const flow = await bank.connect({ owner, session });
      const connection = await complete(await server.authorize(flow.url));
      expect(await (await connection.fetch("/me")).json()).toEqual({ sub: "user-1" });
      expect((await connection.status()).account).toBe("user-1");
      await clock.advance(301_000);
      expect((await connection.fetch("/me")).status).toBe(200);
      expect(to("/token").map(({ form }) => form.get("grant_type"))).toEqual(["authorization_code", "refresh_token"]);
      const document = discovery === "oidc" ? "openid-configuration" : "oauth-authorization-server";
      expect(to(`/.well-known/${document}`)).toHaveLength(1);
      await connector.close();
    });
