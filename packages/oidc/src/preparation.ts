import { ConnectorError, defaultTiming, isConnectorError, quote, type ServerContext, within } from "@linkwright/core";
import type { Settings } from "./settings.ts";

/**
 * What the application itself has to bring to a request, such as a key from a vault. Where that does not come it is none of the
 * server's doing, and passes.
 *
 * @param option - The option that it is of.
 * @throws {ConnectorError} `retry` where it fails, or is not there after the time that a request may take.
 */
export async function prepared<Value>(
  { id }: Settings,
  { clock }: ServerContext,
  option: "authentication" | "jar",
  work: () => Value | Promise<Value>,
): Promise<Value> {
  try {
    return await within(clock, defaultTiming.requestDeadline, (async () => work())());
  } catch (error) {
    if (isConnectorError(error)) throw error;
    const said = quote(error instanceof Error ? error.message : String(error));
    throw new ConnectorError(
      { kind: "retry", retryAt: clock.now() + 1000 },
      `The key or secret of option ${option} could not be had (${said}). Try again.`,
      { provider: id },
    );
  }
}
