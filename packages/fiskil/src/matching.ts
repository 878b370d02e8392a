import { days } from "@linkwright/core";
import type { Consent } from "./consents.ts";

/** Which consent a flow led to, and which one a message is about: pure functions of what is kept, heard and listed. */

/** What is kept of a connection, or said in a message. */
export type Names = Readonly<Record<string, string>>;

/** How long a session lives where Fiskil did not say: five days. */
const sessionLife = days(5) * 1000;

/** For how long after a session's end the consent is looked for that it led to: a day. */
const afterwards = days(1) * 1000;

/** Whether a flow came back whose consent has not been found yet. */
export const isFlowing = (data: Names): boolean => data.sessionId !== data.confirmedSession;

/** Until when the consent of a flow is looked for. */
export const lookedForUntil = ({ startedAt, sessionExpiresAt }: Names): number =>
  (Number(sessionExpiresAt) || Number(startedAt) + sessionLife) + afterwards;

/** The newest that was given since then, or is the one that the flow renews. */
export function newest(
  consents: readonly Consent[],
  institution: string | undefined,
  renews: string | undefined,
  since: number,
): Consent | undefined {
  return consents
    .filter(({ active, institution_id }) => active && (!institution || institution_id === institution))
    .filter((one) => one.arrangement_id === renews || givenAt(one) >= since)
    .sort((one, other) => givenAt(other) - givenAt(one))[0];
}

/** When it was given, or given again; consents without a time are older than any. */
function givenAt({ created_at, last_consent }: Consent): number {
  return Math.max(instant(created_at) ?? 0, instant(last_consent) ?? 0);
}

/** How long after a consent was given the message may be published that first names it. */
const soon = 3_600_000;

/**
 * The consent id that a message names, if it can only be this one's: how it relates to the arrangement id is not documented, and
 * the end of another consent would be taken for this one's. Both of the times are Fiskil's. Without the id, an end is asked after.
 */
export function namedIn(message: Names, found: Consent, consents: readonly Consent[]): string | undefined {
  const given = givenAt(found);
  const age = Number(message.publishedAt) - given;
  const its = message.institutionId === found.institution_id && age >= 0 && age <= soon;
  const alone = consents.every(
    (one) => one === found || one.institution_id !== found.institution_id || (!one.active && givenAt(one) <= given),
  );
  return its && alone ? message.consentId : undefined;
}

/** Epoch milliseconds of an ISO 8601 time. */
export function instant(time: string | null | undefined): number | undefined {
  const ms = Date.parse(time ?? "");
  return Number.isNaN(ms) ? undefined : ms;
}
