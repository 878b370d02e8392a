import { simulateFiskil, simulateFiskl, simulateFlinks, type VirtualClock } from "@linkwright/testing";
import { callbackPath, type Environment } from "./configuration.ts";

export type Simulators = Awaited<ReturnType<typeof startSimulators>>;

/** The application, as consent pages call it. */
const name = "Sample application";

/** Starts the three providers on loopback, with the application registered at each. */
export async function startSimulators({ clock, origin }: { readonly clock: VirtualClock; readonly origin: string }) {
  const [fiskil, fiskl, flinks] = await Promise.all([
    simulateFiskil({ clock, webhookUrl: `${origin}/linkwright/webhook/fiskil` }),
    simulateFiskl({
      clock,
      clients: [
        { clientId: "app_01", clientSecret: "s3cr3t", name, redirectUris: [origin + callbackPath("books")] },
        { clientId: "app_02", name, redirectUris: [origin + callbackPath("desk")] },
      ],
    }),
    simulateFlinks({
      clock,
      recipients: [
        { clientId: "dc-demo0001", clientSecret: "s3cr3t", redirectUris: [origin + callbackPath("flinks")] },
      ],
    }),
  ]);
  const { endpoints } = fiskl;
  /** How the application reaches them: the variables by which it reaches the real ones. */
  const environment: Environment = {
    FISKIL_CLIENT_ID: "key_01example",
    FISKIL_CLIENT_SECRET: "s3cr3t-example",
    FISKIL_PLATFORM_CLIENT_ID: "key_02platform",
    FISKIL_PLATFORM_CLIENT_SECRET: "s3cr3t-example",
    FISKIL_WEBHOOK_SECRET: fiskil.webhookSecret,
    FISKIL_TEAM_ID: fiskil.teamId,
    FISKIL_BASE_URL: fiskil.origin,
    FISKIL_AUTH_ORIGIN: fiskil.origin,
    FISKIL_INSTITUTION_ID: "88888",
    FISKL_BASE_URL: endpoints.api,
    FISKL_ISSUER: endpoints.issuer,
    FISKL_AUTHORIZATION_ENDPOINT: endpoints.authorization_endpoint,
    FISKL_TOKEN_ENDPOINT: endpoints.token_endpoint,
    FISKL_REVOCATION_ENDPOINT: endpoints.revocation_endpoint,
    FISKL_CONFIDENTIAL_CLIENT_ID: "app_01",
    FISKL_CONFIDENTIAL_CLIENT_SECRET: "s3cr3t",
    FISKL_PUBLIC_CLIENT_ID: "app_02",
    FLINKS_CLIENT_ID: "dc-demo0001",
    FLINKS_CLIENT_SECRET: "s3cr3t",
    FLINKS_BASE_URL: flinks.origin,
    FLINKS_PROVIDER_ID: "1000",
  };
  const close = async () => {
    await Promise.all([fiskil.close(), fiskl.close(), flinks.close()]);
  };
  return { fiskil, fiskl, flinks, environment, close };
}
