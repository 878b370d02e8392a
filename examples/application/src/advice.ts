import type { Fault, ReauthorizeReason } from "@linkwright/core";

/** What a person reads when something went wrong, and what the browser's request is answered with. */
export interface Advice {
  readonly status: number;
  readonly title: string;
  /** What to do now. */
  readonly remedy: string;
  /** What to offer beside going back. */
  readonly offer?: "reconnect" | "again";
}

/** Every kind of fault says what to do next; the compiler says when one is forgotten here. */
export function adviceOn(fault: Fault, now: number): Advice {
  switch (fault.kind) {
    case "reauthorize":
      return {
        status: 409,
        title: "This account has to be reconnected",
        remedy: `${reasons[fault.reason]} Reconnect it to go on; nothing else is lost.`,
        offer: "reconnect",
      };
    case "retry": {
      const seconds = Math.max(1, Math.ceil((fault.retryAt - now) / 1000));
      return {
        status: 503,
        title: "Not just now",
        remedy: `The provider could not be asked, or has not answered for good. Try again in ${seconds} seconds.`,
      };
    }
    case "configuration":
      return {
        status: 500,
        title: "This application is not set up correctly",
        remedy: "There is nothing you can do about it. Its operator has to check the registration with the provider.",
      };
    case "permission":
      return {
        status: 403,
        title: "This is not covered by what you allowed",
        remedy: "The connection works and does not reach this. Reconnect and allow more, or do without.",
        offer: "reconnect",
      };
    case "flow":
      return {
        status: 400,
        title: "This link attempt cannot be finished",
        remedy: flowRemedies[fault.reason],
        offer: "again",
      };
    case "gone":
      return {
        status: 404,
        title: "There is no such connection",
        remedy: "It was disconnected, or it never was one of yours. Your connections are on the first page.",
      };
    case "protocol":
      return {
        status: 502,
        title: "The provider's answer made no sense",
        remedy: "Nothing was changed here. Try again later; if it goes on, tell the operator what is written below.",
      };
    case "store":
      return {
        status: 503,
        title: "Our records cannot be reached",
        remedy: "Nothing was lost and nothing was concluded. Try again in a moment.",
      };
    case "cancelled":
      return {
        status: 200,
        title: "Nothing was linked",
        remedy: "You, or your bank, said no. You can begin again whenever you like.",
        offer: "again",
      };
    case "aborted":
      return { status: 500, title: "The request was broken off", remedy: "Try again." };
  }
}

/** Why a user has to act, in their words. */
export const reasons: Readonly<Record<ReauthorizeReason | "disconnected", string>> = {
  revoked: "The provider no longer accepts what you granted.",
  expired: "What you granted has run out.",
  idle_timeout: "The connection was left unused for too long.",
  consent_ended: "Your consent at the bank has ended.",
  rotation_lost: "A renewal was lost on its way, and the provider keeps the old one shut.",
  scope: "Something that is needed was not allowed.",
  disconnected: "It is being disconnected.",
};

const flowRemedies = {
  unknown_state: "No link attempt under way fits this return. Begin again.",
  expired: "It took too long. Begin again.",
  used: "It was finished before. If the account is not in your list, begin again.",
  wrong_browser: "It was begun in another browser, or before you signed in anew. Begin again in this one.",
  issuer: "The return came from another provider than the one you set out for. Begin again.",
  scope: "Something that is needed was not allowed. Begin again, and leave it ticked.",
  account: "Somebody else has linked this account here already. Link another one.",
} as const;

const nothingHere = { title: "There is no such page", remedy: "Everything starts on the first page." };
const broken = { title: "Something broke here", remedy: "It is not your doing. Try again later." };
const refusals: Readonly<Record<number, Pick<Advice, "title" | "remedy">>> = {
  401: { title: "You are not signed in", remedy: "Sign in on the first page, then begin again." },
  403: {
    title: "Nothing was done",
    remedy: "This form was not sent by a page of this application. If you meant it, begin on the first page.",
  },
  404: nothingHere,
  405: nothingHere,
  500: broken,
};

/** The same for what is refused before any connection is asked about, and for what nobody foresaw. */
export function adviceOnStatus(status: number): Advice {
  const unread = { title: "This request cannot be read", remedy: "Begin on one of the pages here." };
  return { status, ...(refusals[status] ?? (status < 500 ? unread : broken)) };
}
