import { randomBytes } from "node:crypto";
import { link, open, readFile, rm, stat } from "node:fs/promises";

/** The key that seals tokens in the store: from the environment, or in a file that its user alone can read. */
export async function readKey(path: string, given: string | undefined): Promise<Uint8Array> {
  if (given) return decoded(given, "BOOKS_KEY");
  const mode = await modeOf(path);
  if (mode === undefined) await makeKey(path);
  // Windows has no such bits; there the home directory is its user's.
  else if (process.platform !== "win32" && (mode & 0o077) !== 0)
    throw new Error(
      `Others can read the key ${path}. If nobody did: chmod 600 ${path}; else delete it and log in again.`,
    );
  return decoded(await readFile(path, "utf8"), path);
}

/** Whole or not at all, and never over a key that another process made meanwhile. */
async function makeKey(path: string): Promise<void> {
  const draft = `${path}.${randomBytes(8).toString("hex")}`;
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(`${randomBytes(32).toString("base64")}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await rm(draft);
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function decoded(text: string, where: string): Uint8Array {
  const key = Buffer.from(text.trim(), "base64");
  if (key.length !== 32) throw new Error(`${where} holds no key: it must be 32 bytes in base64.`);
  return key;
}
