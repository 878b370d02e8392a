import { allowInsecureLoopback, isConnectorError } from "@linkwright/core";
import { createHandlers, type Outcome } from "@linkwright/web";
import type { House } from "./application.ts";
import type { Configuration } from "./configuration.ts";
import type { SampleConnector } from "./connector.ts";
import { titleOf } from "./offers.ts";
import { failureAnswer } from "./problems.ts";
import type { Session } from "./sessions.ts";
import { sampleUsers } from "./users.ts";

/**
 * Whatever browsers and providers ask of the connector: begin, come back, receive webhooks, disconnect. What is left to the
 * application is who is signed in, what its forms mean, and where to go from there.
 */
export function createLinks(house: House, { origin, banks }: Configuration) {
  const { connector } = house;
  // #region handlers
  return createHandlers({
    connector,
    origin,
    owner: (request) => house.sessions.of(request)?.user.id,
    start: {
      ...(connector.providers.fiskil && {
        fiskil: async ({ owner, form }) => ({
          ...(!form.has("connection") && (await endUser(connector, owner))),
          ...(banks.fiskil !== undefined && { institutionId: banks.fiskil }),
        }),
      }),
      // No user's: it is the application's own client for its own products.
      ...(connector.providers.platform && { platform: () => undefined }),
      ...(connector.providers.flinks && { flinks: { providerId: banks.flinks } }),
    },
    next: (outcome, request) => next(house, outcome, house.sessions.of(request)),
    // What users can do nothing about. It holds no secret.
    onError: (error) => console.error(isConnectorError(error) ? error.message : error),
    // Http is for localhost alone, in development; elsewhere it is refused all the same.
    [allowInsecureLoopback]: true,
  });
  // #endregion
}

async function next(house: House, outcome: Outcome, session: Session | undefined): Promise<string | Response> {
  switch (outcome.outcome) {
    case "connected": {
      const { health } = await outcome.connection.status();
      const title = titleOf(outcome.connection.registration);
      session?.notes.push(
        health === "pending" ? `${title} is linked; its confirmation is awaited.` : `${title} is linked.`,
      );
      return outcome.returnTo ?? "/";
    }
    case "disconnected": {
      const { disconnected, revocations } = outcome.report;
      const did = revocations.map(({ what, result }) => `${what} ${result}`.replaceAll("_", " ")).join(", ");
      session?.notes.push(
        `${disconnected ? "Disconnected" : "Disconnecting goes on by itself"}${did === "" ? "" : `: ${did}`}.`,
      );
      return "/";
    }
    case "failed":
      return failureAnswer(house, session, outcome);
  }
}

/** One end user at Fiskil per user of ours: the one of an earlier connection, else a new one. */
async function endUser(connector: SampleConnector, owner: string) {
  for await (const one of connector.connections({ owner })) {
    if (one.registration !== "fiskil") continue;
    const { endUserId } = (await one.status()).data;
    if (endUserId) return { endUserId };
  }
  const user = sampleUsers.find(({ id }) => id === owner);
  return user && { endUser: { name: user.name, email: user.email } };
}
