import { detailsOf, faultOf } from "./classification.ts";
import { ConnectorError, type FaultDetails } from "./faults.ts";
import type { TokenFailure } from "./grants/token-endpoint.ts";
import type { Miss } from "./lifecycle.ts";
import type { Row } from "./record.ts";

/** Failures of token requests: as `lifecycle.ts` weighs them, and as the caller sees them. */

export function missOf({ phase, reading, retryAt, status }: TokenFailure): Miss {
  const { code } = reading;
  if (phase === "unsent")
    return reading.kind === "configuration" ? { miss: "misconfigured", code } : { miss: "unsent", retryAt, code };
  if (phase === "lost") return { miss: "lost", retryAt, code };
  if (phase === "garbled") return { miss: "server_error", retryAt, code };
  switch (reading.kind) {
    case "reauthorize":
      return { miss: "refused", reason: reading.reason, suspected: reading.suspected, code };
    case "retry":
      return { miss: status === 429 || status === 503 ? "declined" : "server_error", retryAt, code };
    case "configuration":
      return { miss: "misconfigured", code };
    default:
      return { miss: "declined", retryAt, code };
  }
}

/** A token failure as the caller sees it. */
export function tokenError(
  { phase, reading, status, retryAt: told }: TokenFailure,
  row: Pick<Row, "state" | "reason" | "failure"> | undefined,
  place: FaultDetails,
  now: number,
): ConnectorError {
  const said = [status, reading.code, reading.description].filter((part) => part !== undefined).join(": ");
  const details = { ...place, ...detailsOf(reading, status) };
  const retryAt = row?.failure?.retryAt ?? told ?? now + 1000;
  if (row?.state === "reauthorize" || row?.state === "ended")
    return new ConnectorError(
      { kind: "reauthorize", reason: row.reason ?? "revoked" },
      `The server refused the grant (${said}). Ask the user to connect again.`,
      details,
    );
  if (phase === "garbled")
    return new ConnectorError(
      { kind: "protocol" },
      `The token endpoint's answer could not be read (${said}). Nothing was lost; it is tried again.`,
      details,
    );
  if (reading.kind === "protocol")
    return new ConnectorError(
      { kind: "protocol" },
      `The token endpoint answered outside its contract (${said}).`,
      details,
    );
  if (reading.kind === "configuration")
    return new ConnectorError(
      { kind: "configuration" },
      `The server refused the client (${said}). Check the client id, its secret and what it is registered for.`,
      details,
    );
  return new ConnectorError(
    { kind: "retry", retryAt },
    `No new token could be had (${said}). Try again after ${new Date(retryAt).toISOString()}.`,
    details,
  );
}

/** Readings that are the server's last word on a grant that was asked for, and a passing matter for one that stands. */
const final: readonly string[] = ["reauthorize", "cancelled", "permission", "gone"];

/** The same where there is no grant yet that could be over: the caller gets to know what the server says of this request. */
export function newGrantError(failure: TokenFailure, place: FaultDetails, now: number): ConnectorError {
  const { phase, reading, status } = failure;
  if (phase !== "answered" || !final.includes(reading.kind)) return tokenError(failure, undefined, place, now);
  const said = [status, reading.code, reading.description].filter((part) => part !== undefined).join(": ");
  return new ConnectorError(faultOf(reading, now), `The server gives no tokens for this (${said}).`, {
    ...place,
    ...detailsOf(reading, status),
  });
}

/** Why a row has no token to hand out, as the caller sees it. */
export function refusal(
  fault: ConnectorError["fault"],
  row: Pick<Row, "state" | "failure">,
  place: FaultDetails,
): ConnectorError {
  const messages = {
    reauthorize: "Ask the user to connect again.",
    gone: "The connection is being disconnected.",
    permission: "The grant is alive, and without a refresh token no other access token can be asked for.",
    retry:
      row.state === "pending"
        ? "The provider has not confirmed the consent yet."
        : "The last attempts to renew failed; the next one is due later.",
  } as const;
  const text = messages[fault.kind as keyof typeof messages] ?? "No token is to be had.";
  const reason = fault.kind === "reauthorize" ? `The grant is over (${fault.reason}). ` : "";
  return new ConnectorError(fault, reason + text, {
    ...place,
    ...(row.failure?.code !== undefined && { code: row.failure.code }),
  });
}
