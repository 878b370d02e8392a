import { inspect } from "node:util";
import { type Connection, type ConnectorError, clientSecretBasic, isConnectorError } from "@linkwright/core";
import type { Journal } from "@linkwright/testing";
import { type HouseOptions, house, key, session } from "./house.ts";

/** Searching for secrets in everything that a caller or a listener gets to see (G70). */

/** A client secret that every encoding on the way writes differently. */
export const clientSecret = "c4nary+0f/the:client=é%&";

/** A house whose errors and events are searched for secrets at its end. */
export async function watchedHouse(options: HouseOptions = {}) {
  const h = await house({
    ...options,
    server: {
      clients: [
        { clientId: "client", clientSecret, redirectUris: ["https://app.example/callback"] },
        { clientId: "public", redirectUris: ["https://app.example/callback"] },
      ],
      ...options.server,
    },
    bank: { client: { id: "client", authentication: clientSecretBasic(clientSecret) }, ...options.bank },
  });
  const refusals: ConnectorError[] = [];
  return {
    ...h,
    /** The error that `work` ends with, to be searched at the end; fails where it succeeds or throws something else. */
    async refused(work: Promise<unknown>): Promise<ConnectorError> {
      const error = await work.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error === undefined) throw new Error("it succeeded");
      if (!isConnectorError(error)) throw error;
      refusals.push(error);
      return error;
    },
    /** Every connection of `owner`, in the order that they are listed in. */
    async list(owner = "user_1"): Promise<Connection[]> {
      const found: Connection[] = [];
      for await (const connection of h.connector.connections({ owner })) found.push(connection);
      return found;
    },
    /** All token requests, whatever their grant. */
    allTokenRequests: () => h.server.journal.count({ path: "/token" }),
    async [Symbol.asyncDispose]() {
      const secrets = secretsIn(h.server.journal);
      await h[Symbol.asyncDispose]();
      for (const seen of [...refusals, ...h.events]) expectNoSecret(seen, secrets);
    },
  };
}

/** What requests carried that nobody else may see. */
export function secretsIn(journal: Journal): string[] {
  const found = new Set([clientSecret, session, String.fromCharCode(...key)]);
  for (const { form = {}, headers } of journal.entries) {
    for (const name of ["code", "code_verifier", "refresh_token", "client_secret", "token"])
      if (form[name] !== undefined) found.add(form[name]);
    const credentials = headers.authorization?.split(" ")[1];
    if (credentials !== undefined) found.add(credentials);
  }
  return [...found].filter((secret) => secret.length >= 8);
}

/** What the simulators issue names its kind: found even where no request ever carried it. */
const issued = /\b(at|rt|code)_[A-Za-z0-9_-]{20,}/;

/** Throws where `value` shows a secret: in its message, as JSON, to `inspect`, or in its causes. */
export function expectNoSecret(value: unknown, secrets: readonly string[]): void {
  for (let depth = 0, at: unknown = value; at !== undefined && depth < 5; depth++, at = (at as Error).cause) {
    const texts = [
      String(at),
      at instanceof Error ? `${at.message} ${at.stack}` : "",
      JSON.stringify(at) ?? "",
      inspect(at, { depth: null, showHidden: true }),
    ];
    for (const text of texts) {
      const forms = secrets.flatMap((secret) => [
        secret,
        encodeURIComponent(secret),
        new URLSearchParams({ "": secret }).toString().slice(1),
        JSON.stringify(secret).slice(1, -1),
      ]);
      const leaked = forms.find((form) => text.includes(form)) ?? issued.exec(text)?.[0];
      if (leaked !== undefined)
        throw new Error(`G70: "${leaked.slice(0, 8)}…" is to be read in: ${text.slice(0, 600)}`);
    }
  }
}
