import { isConnectorError } from "@linkwright/core";
import { createHandlers, type Handlers } from "@linkwright/web";
import type { AppConnector } from "./connector.ts";

/** What the application knows of a request by its own means. */
export interface Own {
  readonly userOf: (request: Request) => Promise<string | undefined>;
  /** The user's end user at Fiskil: made once, by `connector.providers.fiskil.endUsers.create`, and kept with the user. */
  readonly endUserOf: (owner: string) => Promise<string>;
  readonly importTransactions: (endUserId: string | undefined) => Promise<void>;
  readonly note: (owner: string, text: string) => Promise<void>;
  readonly banks: ReadonlySet<number>;
}

export function plainHandlers(connector: AppConnector, { userOf, endUserOf, importTransactions }: Own): Handlers {
  // #region create
  const links = createHandlers({
    connector,
    origin: "https://app.example", // where browsers reach you
    owner: (request) => userOf(request), // from your own sign-in; no answer is a 401
    start: {
      flinks: ({ form }) => ({ providerId: Number(form.get("bank")) }), // what connect takes, from the form
      // The end user that you made for this owner, once. Connecting again needs none: it keeps the connection's own.
      fiskil: async ({ owner, form }) => (form.has("connection") ? {} : { endUserId: await endUserOf(owner) }),
    },
    webhook: {
      fiskil: ({ event }) => importTransactions(event.endUserId), // awaited: where it fails, the message comes again
    },
  });
  // #endregion
  return links;
}

export function watchfulHandlers(connector: AppConnector, { userOf, note, banks }: Own): Handlers {
  return createHandlers({
    connector,
    origin: "https://app.example",
    owner: userOf,
    // #region start
    start: {
      flinks: ({ form }) => {
        const providerId = Number(form.get("bank"));
        return banks.has(providerId) ? { providerId } : undefined; // undefined: 400
      },
    },
    // #endregion
    // #region next
    next: async (outcome) => {
      switch (outcome.outcome) {
        case "connected":
          await note(outcome.owner, `Your account at ${outcome.connection.registration} is connected.`);
          return outcome.returnTo ?? "/accounts";
        case "disconnected":
          return outcome.report.disconnected ? "/accounts" : "/accounts?ending=later";
        case "failed":
          if (outcome.code === "signed_out") return "/sign-in";
          return isConnectorError(outcome.error) ? undefined : "/accounts"; // undefined: the small page
      }
    },
    // #endregion
  });
}
