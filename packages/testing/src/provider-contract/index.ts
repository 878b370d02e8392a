import { application } from "./application.ts";
import { authorization } from "./authorization.ts";
import { client } from "./client.ts";
import { definition } from "./definition.ts";
import { disconnecting } from "./disconnecting.ts";
import { documentedErrors } from "./documented-errors.ts";
import { flows } from "./flows.ts";
import { type ContractCase, contractCase, declaration, type ProviderHarness, type ProviderServer } from "./harness.ts";
import { hosted } from "./hosted.ts";
import { origins } from "./origins.ts";
import { refusals } from "./refusals.ts";
import { renewal } from "./renewal.ts";
import { secrets } from "./secrets.ts";
import { tokens } from "./tokens.ts";
import { webhooks } from "./webhooks.ts";

export type { ContractCase, DocumentedError, ProviderHarness, ProviderServer } from "./harness.ts";

/**
 * What an adapter declares, checked against what it does, as cases for any test runner: over real HTTP, by a clock that stands
 * still. A case that fails names the promise that is broken, what happened, and what the author should do. Which cases there are
 * follows from the definition's grants; the more the harness tells, the more is shown.
 *
 * @example
 * ```ts
 * const provider = harbour({ clientId: "client", clientSecret: "secret", redirectUri });
 * const cases = providerContract({
 *   provider,
 *   server: (clock) => simulate(provider, { clock, refresh: { kind: "rotating", idleTimeout: 30 * 86_400_000 } }),
 *   scope: ["accounts", "payments"],
 *   read: "/v2/accounts",
 * });
 * for (const { name, run } of cases) test(name, run);
 * ```
 */
export function providerContract<S extends ProviderServer>(harness: ProviderHarness<S>): ContractCase[] {
  const provider = declaration(harness as unknown as ProviderHarness);
  const given = harness as unknown as ProviderHarness;
  const { grants } = provider;
  const byFlow = grants.authorizationCode || grants.hostedConsent;
  const promised = [
    ...definition(provider),
    ...origins(provider, given),
    ...client(provider, given),
    ...authorization(provider, given),
    ...(byFlow ? flows(provider) : []),
    ...hosted(provider),
    ...tokens(provider, given),
    ...renewal(provider, given),
    ...refusals(provider, given),
    ...documentedErrors(given),
    ...application(provider, given),
    ...secrets(provider, given),
    ...disconnecting(provider, given),
    ...webhooks(given),
  ];
  return promised.map((each) => contractCase(harness, each));
}
