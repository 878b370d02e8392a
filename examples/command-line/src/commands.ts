import type { Connection } from "@linkwright/core";
import { connectThroughLoopback } from "@linkwright/loopback";
import { type Books, owner, signedIn } from "./books.ts";

export interface CommandOptions {
  readonly signal: AbortSignal;
  /** Whether to open a browser, besides printing the address. */
  readonly browser: boolean;
  /** Milliseconds to wait for the user. */
  readonly timeout: number;
}

/** What a command prints, a line each. */
export type Lines = readonly string[];

/** There is nobody signed in. */
export class SignedOut extends Error {}

export async function login(books: Books, { signal, browser, timeout }: CommandOptions): Promise<Lines> {
  const before = await signedIn(books);
  // #region login
  const connection = await connectThroughLoopback(
    books,
    books.providers.books,
    { owner, ...(before && { connection: before.id }) }, // the same connection with a new grant, where there is one
    { application: "Books", signal, timeout, ...(!browser && { open: false }) },
  );
  // #endregion
  const { scope } = await connection.status();
  return [`Signed in. Allowed: ${(scope.granted ?? scope.requested).join(", ")}.`];
}

export async function status(books: Books): Promise<Lines> {
  const { health, reason, scope, accessTokenExpiresAt } = await (await current(books)).status();
  return [
    `health   ${health}${reason ? ` (${reason})` : ""}`,
    `allowed  ${(scope.granted ?? scope.requested).join(", ")}`,
    `missing  ${scope.missing.join(", ") || "nothing"}`,
    `token    ${accessTokenExpiresAt === undefined ? "no end known" : `until ${new Date(accessTokenExpiresAt).toISOString()}`}`,
  ];
}

interface Invoice {
  readonly id: number;
  readonly dueDate: string;
  readonly total: number;
  readonly status: string;
}

const pageSize = 50;

export async function invoices(books: Books, { signal }: Pick<CommandOptions, "signal">): Promise<Lines> {
  const connection = await current(books);
  const lines: string[] = [];
  for (let page = 0; ; page++) {
    const response = await connection.fetch(`/v1/invoices?page=${page}&size=${pageSize}`, { signal });
    if (!response.ok) throw new Error(`Fiskl answered ${response.status}.`);
    const found = (await response.json()) as Invoice[];
    // Amounts are in minor units.
    for (const { id, dueDate, total, status } of found)
      lines.push([String(id).padStart(6), dueDate, (total / 100).toFixed(2).padStart(10), status].join("  "));
    if (found.length < pageSize) return lines;
  }
}

export async function logout(books: Books): Promise<Lines> {
  const { disconnected, revocations } = await (await current(books)).disconnect();
  const lines = revocations.map(({ what, result }) => `${what}: ${result}`);
  return [...lines, disconnected ? "Signed out." : "Not signed out yet: run logout again."];
}

async function current(books: Books): Promise<Connection> {
  const connection = await signedIn(books);
  if (!connection) throw new SignedOut("Not signed in. Run `books login`.");
  return connection;
}
