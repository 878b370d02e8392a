import type { Hono } from "hono";
import { appAccess } from "./app-access.ts";
import type { FlinksProvider } from "./data.ts";
import type { FlinksRegistration, FlinksState } from "./options.ts";

type RegistrationInList = "Activated" | "Available" | "PendingActivation" | "Suspended";

const inList: Record<FlinksRegistration, RegistrationInList> = {
  PENDING_APPROVAL: "PendingActivation",
  PENDING_ACTIVATION: "PendingActivation",
  ACTIVE: "Activated",
  SUSPENDED: "Suspended",
};

const brief = ({ provider_id, name, country }: FlinksProvider) => ({ provider_id, name, country });

/** The lists of banks. One path of the first version means two things, by the token that asks. */
export function serveProviders(app: Hono, state: FlinksState): void {
  const statusOf = (clientId: string, { provider_id }: FlinksProvider): RegistrationInList => {
    const registration = state.recipients.get(clientId)?.registrations.get(provider_id);
    return registration ? inList[registration.status] : "Available";
  };

  for (const path of ["/api/v1/providers", "/api/v1/authorize/providers"]) {
    app.get(path, (context) => {
      const access = appAccess(state, context.req.raw, "app");
      if (access instanceof Response) return access;
      const { admin, token } = access;
      return Response.json(
        state.providers.filter((bank) => admin || statusOf(token.clientId, bank) === "Activated").map(brief),
      );
    });
  }

  app.get("/api/v1/providers/:id", (context) => {
    const access = appAccess(state, context.req.raw, "admin");
    if (access instanceof Response) return access;
    const bank = state.providers.find(({ provider_id }) => String(provider_id) === context.req.param("id"));
    if (!bank)
      return Response.json({ error: "invalid_request", error_description: "No such provider." }, { status: 400 });
    const { provider_url, scopes } = bank;
    return Response.json({ ...brief(bank), provider_url, scopes, data_inventory: { accounts: ["DEPOSIT_ACCOUNT"] } });
  });

  app.get("/api/v2/providers", (context) => {
    const access = appAccess(state, context.req.raw, "app");
    if (access instanceof Response) return access;
    const countries = context.req.query("country")?.split(",");
    const enabled = context.req.query("isEnabledForClient");
    return Response.json(
      state.providers
        .map((bank) => ({
          providerId: bank.provider_id,
          name: bank.name,
          country: bank.country,
          providerUrl: bank.provider_url,
          scopes: bank.scopes,
          registrationStatus: statusOf(access.token.clientId, bank),
        }))
        .filter(({ country }) => !countries || countries.includes(country))
        .filter(
          ({ registrationStatus }) =>
            enabled === undefined || (registrationStatus === "Activated") === (enabled === "true"),
        ),
    );
  });
}
