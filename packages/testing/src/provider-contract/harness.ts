import type { AnyProvider, Connection, FaultKind, ReauthorizeReason } from "@linkwright/core";
import type { VirtualClock } from "../clock.ts";
import type { ConsentDecision } from "../consent.ts";
import type { Faults } from "../faults.ts";
import type { RoutedFetch } from "../provider/routes.ts";
import { openWorld, type World } from "./world.ts";

/**
 * What the author of an adapter hands to the suite: the adapter, a server to run it against, and what the provider's
 * documentation says. What is said here and declared there is compared with what the adapter does.
 */
export interface ProviderHarness<S extends ProviderServer = ProviderServer> {
  /**
   * The adapter, as an application makes it. A function makes it for where its server turned out to be; it is also called once
   * before there is any server, to see what is declared.
   */
  readonly provider: AnyProvider | ((at: { readonly origin: string; readonly otherOrigin: string }) => AnyProvider);
  /** Opens the provider's server; each case opens one of its own, and closes it. It goes by `clock`. */
  server(clock: VirtualClock): Promise<S>;
  /** The provider's own parameters of `connect`. */
  readonly connect?: Readonly<Record<string, unknown>>;
  /**
   * How a connection comes about where neither a code nor a hosted consent brings it: by an extra of the adapter's, for example.
   * @param handle - The registration's handle, with its extras.
   */
  readonly establish?: (handle: never, context: { readonly owner: string; readonly server: S }) => Promise<Connection>;
  /** Scopes that a user can grant. Two or more show that a narrower grant is noticed. */
  readonly scope?: readonly string[];
  /** Scopes that the provider wants asked for whatever the application asks. Default: none. */
  readonly leastScope?: readonly string[];
  /** A path of the API that answers 2xx to a connection's token. */
  readonly read?: string;
  /** A path of the API that answers 2xx to the application's own token. */
  readonly appRead?: string;
  /** Origins that tokens go to, as documented. Default: that of `api.base`. */
  readonly origins?: readonly string[];
  /** Refusals as the provider documents them, and what each means. */
  readonly errors?: readonly DocumentedError[];
  /** The user ends the grant at the provider. Default: the server's `revokeGrants`. */
  readonly end?: (server: S) => unknown;
  /** The provider refuses the client from now on. @returns What takes that back. Default: the registered secret is changed. */
  readonly refuseClient?: (server: S) => () => unknown;
  /** A genuine webhook message. */
  readonly webhook?: (server: S) => Request | Promise<Request>;
  /** Milliseconds of real time that a case may take. Default 20,000. */
  readonly timeLimit?: number;
}

/** What the suite needs of a server: every simulator of this package has it. */
export interface ProviderServer {
  readonly origin: string;
  /** Of the second listener, where there is one. */
  readonly otherOrigin?: string;
  readonly faults: Faults;
  /** For the connector, where the server is elsewhere than the definition says. */
  readonly fetch?: RoutedFetch;
  /** Acts for the user on the page at `url`; gives the callback URL. */
  consent?(url: string, decision?: ConsentDecision): Promise<string>;
  /** The user takes back what they allowed. */
  revokeGrants?(): void;
  /** Ends access tokens while grants live on. */
  revokeAccessTokens(): void;
  /** The clients that are registered, or the one. */
  readonly client?: { clientSecret?: string };
  readonly clients?: ReadonlyMap<string, { clientSecret?: string }>;
  close(): Promise<void>;
}

/** A refusal that the provider documents. */
export interface DocumentedError {
  /**
   * Where it comes: at the token endpoint when a code is redeemed (`code`), a grant renewed (`renewal`) or the application's own
   * token asked for (`application`); or at the API.
   */
  readonly at: "code" | "renewal" | "application" | "api";
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** What it means. `stale_token`: of an API alone. */
  readonly kind: FaultKind | "stale_token";
  readonly reason?: ReauthorizeReason;
}

/** One promise of the contract. Fits any runner: `for (const c of providerContract(harness)) test(c.name, c.run)`. */
export interface ContractCase {
  /** Begins with the ids of the guarantees (`G24`) and checklist rows (`C1`) that it shows. */
  readonly name: string;
  /** Rejects with an error that names the promise, says what happened, and what the author should do. */
  run(): Promise<void>;
}

/** A case as the files of this suite write it. */
export interface Promised {
  readonly name: string;
  /** What the author of an adapter that fails here should do. */
  readonly remedy: string;
  run(world: World): Promise<void>;
}

/** Whether users have connections here, by whatever way. */
export const hasUsers = ({ grants }: AnyProvider, { establish }: Pick<ProviderHarness, "establish">): boolean =>
  grants.authorizationCode !== undefined || grants.hostedConsent !== undefined || establish !== undefined;

/** Whether connections have refresh tokens of their own. */
export const isRenewable = ({ grants }: AnyProvider, { establish }: Pick<ProviderHarness, "establish">): boolean =>
  grants.refreshToken !== undefined && (grants.authorizationCode !== undefined || establish !== undefined);

/** The definition before there is a server. */
export function declaration({ provider }: Pick<ProviderHarness, "provider">): AnyProvider {
  const nowhere = "http://127.0.0.1:9";
  return typeof provider === "function" ? provider({ origin: nowhere, otherOrigin: nowhere }) : provider;
}

/** Makes a case that opens a world of its own, closes it, and explains its failure. */
export function contractCase<S extends ProviderServer>(
  harness: ProviderHarness<S>,
  { name, remedy, run }: Promised,
): ContractCase {
  const { timeLimit = 20_000 } = harness;
  return {
    name,
    async run() {
      let world: World | undefined;
      const work = (async () => {
        world = await openWorld(harness as unknown as ProviderHarness);
        await run(world);
      })();
      try {
        await within(timeLimit, work);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`${name}: ${message}\nTo the adapter's author: ${remedy}`, { cause: error });
      } finally {
        await world?.close();
      }
    },
  };
}

async function within(limit: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`It did not end within ${limit / 1000} s.`)), limit);
  });
  work.catch(() => {});
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
