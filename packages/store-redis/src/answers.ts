import { notUnderstood } from "./faults.ts";

// A client of the application's may turn what the server gives into other types. What is then not understood is neither
// absence nor success, so each of these throws an error that says what to do.

/** Value, version and expiry of a record; `undefined` where it has none of the first two. */
export function recordOf(answer: unknown): { value: string; version: string; expires: string | undefined } | undefined {
  if (!Array.isArray(answer)) throw notUnderstood();
  const [value, version, expires]: unknown[] = answer.map((field: unknown) => field ?? undefined);
  if (value === undefined && version === undefined) return undefined;
  if (!isText(value) || !isText(version) || !(expires === undefined || isText(expires))) throw notUnderstood();
  return { value, version, expires };
}

/** An array of texts, as a script gives. */
export function textsOf(answer: unknown): string[] {
  if (!Array.isArray(answer) || !answer.every(isText)) throw notUnderstood();
  return answer;
}

/** A script's whole number. */
export function numberOf(answer: unknown): number {
  if (typeof answer !== "number") throw notUnderstood();
  return answer;
}

function isText(field: unknown): field is string {
  return typeof field === "string";
}
