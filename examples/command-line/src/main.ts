import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isConnectorError } from "@linkwright/core";
import { openBooks } from "./books.ts";
import { invoices, type Lines, login, logout, SignedOut, status } from "./commands.ts";
import { simulateUntil } from "./simulate.ts";

const usage = `Usage: books COMMAND [--directory DIRECTORY] [--timeout SECONDS] [--no-browser]

  login      signs in to Fiskl, in the browser
  status     how the connection stands; asks nobody
  invoices   lists the company's invoices
  logout     lets go of the connection
  simulate   runs a simulated Fiskl, for the other commands to talk to

Everything is kept in DIRECTORY (${join("~", ".linkwright-books")}): connections, sealed, and the key. BOOKS_KEY in the environment takes the
file's place. FISKL_CLIENT_ID, FISKL_AUTHORIZATION_ENDPOINT and FISKL_TOKEN_ENDPOINT name a real app; BOOKS_REDIRECT_URI its redirect URI.`;

/** Exit codes: 1 it failed, 2 it was called wrongly, 3 somebody has to log in. */
async function main(): Promise<number> {
  const { command, directory, timeout, browser } = readArguments();
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort());
  const { signal } = interrupted;
  if (command === "simulate") {
    await simulateUntil(signal, directory, process.env);
    return 0;
  }
  const books = await openBooks(directory, process.env);
  try {
    const commands: Readonly<Record<string, () => Promise<Lines>>> = {
      login: () => login(books, { signal, timeout, browser }),
      status: () => status(books),
      invoices: () => invoices(books, { signal }),
      logout: () => logout(books),
    };
    for (const line of (await commands[command]?.()) ?? []) console.log(line);
    return 0;
  } finally {
    await books.close();
  }
}

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    allowNegative: true,
    options: {
      directory: { type: "string", default: join(homedir(), ".linkwright-books") },
      timeout: { type: "string", default: "300" },
      browser: { type: "boolean", default: true },
    },
  });
  const [command = "", ...rest] = positionals;
  if (rest.length > 0 || !["login", "status", "invoices", "logout", "simulate"].includes(command)) throw new Usage();
  return { command, directory: values.directory, timeout: Number(values.timeout) * 1000, browser: values.browser };
}

class Usage extends Error {}

/** What to say of a failure, and the exit code. A fault's own message says what to do. */
function explained(error: unknown): readonly [text: string, code: number] {
  if (error instanceof Usage || (error instanceof TypeError && "code" in error)) return [usage, 2];
  if (error instanceof SignedOut) return [error.message, 3];
  if (isConnectorError(error) && error.fault.kind === "reauthorize")
    return [`${error.message} Run \`books login\`.`, 3];
  return [error instanceof Error ? error.message : String(error), 1];
}

try {
  process.exitCode = await main();
} catch (error) {
  const [text, code] = explained(error);
  console.error(text);
  process.exitCode = code;
}
