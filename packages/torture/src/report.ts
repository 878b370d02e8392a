import type { CallerCounts } from "./messages.ts";
import type { TortureOptions } from "./options.ts";

/** A connection that was lost, with its cause. */
export interface Loss {
  readonly connection: number;
  readonly reason: string;
  readonly excused: boolean;
  readonly cause: string;
}

/** What a run came to. */
export interface TortureReport {
  readonly options: TortureOptions;
  /** Sets of tokens that the server issued for refresh tokens. */
  readonly expiries: number;
  readonly tokenRequests: number;
  /** How many refresh tokens were presented once, twice, and so on. */
  readonly presentations: Readonly<Record<string, number>>;
  /** Presentations of a token that had been presented before, by cause. */
  readonly presentedAgain: Readonly<Record<string, number>>;
  /** Those without a cause. */
  readonly unexplained: readonly string[];
  readonly reuses: number;
  readonly replays: number;
  readonly familiesRevoked: number;
  readonly lost: readonly Loss[];
  /** Connections that were not renewed any more once everything was mended. */
  readonly stuck: readonly number[];
  /** Processes that ended by themselves, or did not end when they were told to. */
  readonly unruly: readonly string[];
  readonly wrongTokens: number;
  readonly callers: Pick<CallerCounts, "served" | "verified" | "stale" | "failed">;
  readonly kills: number;
  readonly freezes: number;
  readonly outages: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly unhandled: readonly string[];
  /** What was required and not kept; empty: the run passed. */
  readonly failures: readonly string[];
}

/** What a run must keep. */
export function judge(report: Omit<TortureReport, "failures">): string[] {
  const { options, lost, wrongTokens, unexplained, stuck, unhandled } = report;
  const failures: string[] = [];
  const forgiving = options.server !== "strict";
  for (const loss of lost)
    if (forgiving || !loss.excused)
      failures.push(`connection ${loss.connection} was lost (${loss.reason}): ${loss.cause}`);
  if (report.familiesRevoked > lost.length)
    failures.push(`the server ended ${report.familiesRevoked} families, and ${lost.length} were found lost`);
  if (wrongTokens > 0) failures.push(`${wrongTokens} tokens of another connection were handed out`);
  for (const one of unexplained) failures.push(`a refresh token was presented again without doubt: ${one}`);
  for (const connection of stuck) failures.push(`connection ${connection} was not renewed again after all was mended`);
  if (forgiving && (report.callers.failed.reauthorize ?? 0) > 0)
    failures.push(`${report.callers.failed.reauthorize} calls were told that a grant is over, and none was`);
  failures.push(...report.unruly);
  for (const error of unhandled) failures.push(`an error was left unhandled: ${error}`);
  if (report.expiries < options.expiries) failures.push(`${report.expiries} of ${options.expiries} expiries were met`);
  return failures;
}

/** The report to be read. */
export function table(report: TortureReport): string {
  const { options, callers } = report;
  const lines: [string, string | number][] = [
    ["store, server", `${options.store}, ${options.server}`],
    ["processes × callers × connections", `${options.processes} × ${options.callers} × ${options.connections}`],
    ["seed", options.seed],
    ["expiries", report.expiries],
    ["token requests", report.tokenRequests],
    ["refresh tokens presented once, twice, ...", counted(report.presentations)],
    ["presented again, because", counted(report.presentedAgain)],
    ["presented again without doubt", report.unexplained.length],
    ["reuses; replays in the window", `${report.reuses}; ${report.replays}`],
    ["families revoked", report.familiesRevoked],
    ["lost connections", report.lost.length],
    ["stuck connections", report.stuck.length],
    ["tokens of another connection", report.wrongTokens],
    ["calls served; shown to the API", `${callers.served}; ${callers.verified} good, ${callers.stale} ended`],
    ["calls failed, by kind", counted(callers.failed)],
    ["killed; frozen; outages of the store", `${report.kills}; ${report.freezes}; ${report.outages}`],
    ["faults of the server", counted(report.faults)],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  const body = lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  const losses = report.lost.map(
    ({ connection, reason, excused, cause }) =>
      `lost: connection ${connection} (${reason}), ${excused ? "excused" : "NOT EXCUSED"}: ${cause}`,
  );
  const verdict = report.failures.length === 0 ? ["passed"] : report.failures.map((failure) => `FAILED: ${failure}`);
  return [...body, ...losses, ...verdict].join("\n");
}

function counted(counts: Readonly<Record<string, number | undefined>>): string {
  const entries = Object.entries(counts);
  return entries.length === 0 ? "none" : entries.map(([name, count]) => `${name}: ${count}`).join(", ");
}
