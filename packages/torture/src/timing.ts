import { defaultTiming, type Timing } from "@linkwright/core";

/**
 * The lengths of the renewal protocol, all shortened by one factor, so that their proportions are those of a real
 * application: with 10, a claim stands for 600 ms without a beat and at most 4 s with, a request may take 1.5 s, and a lapsed
 * claim on a token that rotates is left alone for 6 s.
 */
export function scaledTiming(scale: number): Timing {
  return {
    claimLength: defaultTiming.claimLength / scale,
    claimCap: defaultTiming.claimCap / scale,
    requestDeadline: defaultTiming.requestDeadline / scale,
    callDeadline: defaultTiming.callDeadline / scale,
    doubtWait: defaultTiming.doubtWait / scale,
    minValidity: defaultTiming.minValidity / scale,
    renewAhead: defaultTiming.renewAhead / scale,
    backoff: { first: defaultTiming.backoff.first / scale, longest: defaultTiming.backoff.longest / scale },
    consentNotice: defaultTiming.consentNotice,
  };
}
