import type { AccessTokenOptions } from "./connection.ts";
import { applicationBearer } from "./context.ts";
import { createApiClient } from "./fetch.ts";
import type { Registration } from "./registration.ts";
import type { Renewal } from "./renewal.ts";
import type { Runtime } from "./runtime.ts";
import { type CachePlace, quickToken } from "./token-cache.ts";

/** The application itself at a provider: its own token, by client credentials or a key, shared through the store. */
export interface Application {
  /** An access token that is valid for at least `minValidity`. */
  accessToken(options?: AccessTokenOptions): Promise<string>;
  /** Standard `fetch` with the token attached, to the provider's own origins alone. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
}

/** Which of the application's own tokens is wanted. */
export interface ApplicationOptions {
  /** Scope to ask for; the provider's default where left out. Each set of scopes has a token of its own. */
  readonly scope?: readonly string[];
}

export function createApplication(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  { scope }: ApplicationOptions = {},
): Application {
  const bearer = applicationBearer(runtime, renewal, registration, scope);
  const client = createApiClient(runtime, registration, bearer);
  /** Where the token stands in memory, so that a valid one is handed out without a look-up. */
  let held: CachePlace | undefined;
  return {
    accessToken(options) {
      const quick = options === undefined ? quickToken(held, runtime.clock) : undefined;
      if (quick !== undefined) return Promise.resolve(quick);
      return bearer.obtain(options ?? {}).then(({ accessToken, key }) => {
        if (options === undefined && key !== undefined) held = runtime.cache.place(key);
        return accessToken.reveal();
      });
    },
    fetch: client.fetch,
  };
}
