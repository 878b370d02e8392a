/** The protocol, as `oauth4webapi` speaks it. */
export type Protocol = typeof import("oauth4webapi");

let library: Protocol | undefined;

/** Loads it when the first request is made: a start that only hands out tokens from the store does not pay for it. */
export async function protocol(): Promise<Protocol> {
  library ??= await import("oauth4webapi");
  return library;
}
