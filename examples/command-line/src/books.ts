import { join } from "node:path";
import { allowInsecureLoopback, type Connection, createConnector, keyring } from "@linkwright/core";
import { fiskl } from "@linkwright/fiskl";
import { sqliteStore } from "@linkwright/store-sqlite";
import { readKey } from "./key.ts";
import { type Environment, fisklOf, makeDirectory } from "./settings.ts";

/** The program has one user: whoever runs it. */
export const owner = "me";

/** What the commands work with; everything it keeps is in the directory. */
export async function openBooks(directory: string, environment: Environment) {
  await makeDirectory(directory);
  const { options, simulated } = await fisklOf(environment, directory);
  const key = await readKey(join(directory, "key"), environment.BOOKS_KEY);
  return createConnector({
    providers: { books: fiskl(options) },
    store: sqliteStore(join(directory, "books.db")),
    keys: keyring([{ id: "books", key }]),
    ...(simulated && { [allowInsecureLoopback]: true }),
  });
}

export type Books = Awaited<ReturnType<typeof openBooks>>;

/** The connection of the program's user, where there is one. */
export async function signedIn(books: Books): Promise<Connection | undefined> {
  for await (const connection of books.connections({ owner })) return connection;
  return undefined;
}
