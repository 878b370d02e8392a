import type { Answer, FaultReading } from "@linkwright/core";

/**
 * Reads the API's error answers by status: the form of their bodies is not documented, so it only lends words.
 *
 * @param refused - What 401 means: missing, expired and revoked credentials look alike. A token may be renewed; a key cannot.
 */
export function apiFault(refused: "stale_token" | "configuration"): (answer: Answer) => FaultReading | undefined {
  return (answer) => {
    const kind = kindOf(answer.status, refused);
    return kind && { kind, ...words(answer.json) };
  };
}

function kindOf(status: number, refused: "stale_token" | "configuration"): FaultReading["kind"] | undefined {
  if (status === 400) return "configuration";
  if (status === 401) return refused;
  // What the user may do is asked at every call: a good token can lose a permission and get it back. 402: a lapsed subscription.
  if (status === 402 || status === 403) return "permission";
  return status === 429 || status >= 500 ? "retry" : undefined;
}

function words(json: unknown): { code?: string; description?: string } {
  if (typeof json !== "object" || json === null) return {};
  const { error, error_description, message } = json as Record<string, unknown>;
  const description = message ?? error_description;
  return {
    ...(typeof error === "string" && { code: error }),
    ...(typeof description === "string" && { description }),
  };
}
