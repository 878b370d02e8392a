/** The failure in words that say what to do; the driver's error is its `cause`. An address is never quoted. */
export function explain(error: unknown): unknown {
  const remedy = remedyFor(error);
  return remedy ? new Error(`The Redis store ${remedy}`, { cause: error }) : error;
}

const notKnown = "Whether a write that was under way took place is not known; read the record again.";

/** The first word of what the server answered, and what it means to the operator. */
const replies: Readonly<Record<string, string>> = {
  READONLY: "is connected to a replica, which only reads. Connect to the primary; nothing was changed.",
  OOM: "cannot write: the server has used all of its maxmemory. Give it more; nothing was changed.",
  MISCONF:
    "cannot write: the server fails to save to its disk, and refuses writes until it does. Mend that; nothing was changed.",
  LOADING: "has to wait: the server is still reading its data from disk. Try again.",
  BUSY: "has to wait: the server is busy with another's script. Try again.",
  NOAUTH: "was refused: the server wants a password. Add it to the url.",
  WRONGPASS: "was refused: the user name or password is wrong. Correct the url.",
  NOPERM:
    "is not allowed what it needs. Grant the user EVAL, EVALSHA, HMGET and the commands of the scripts (HSET, HGET, HDEL, DEL, ZADD, ZREM, ZSCORE, ZRANGEBYLEX, PUBLISH), and SUBSCRIBE, on the store's keys and channel.",
  CLUSTERDOWN: "cannot reach its part of the cluster: the cluster is down. Nothing was changed.",
  MASTERDOWN: "cannot reach the primary. Nothing was changed.",
  NOREPLICAS: "cannot write: the server has fewer replicas than min-replicas-to-write. Nothing was changed.",
  WRONGTYPE: "finds keys of another application among its own. Choose another prefix.",
};

function remedyFor(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (isReply(error)) {
    // Servers before Redis 7 have the reply to a script's command behind words of their own.
    const reply = Object.keys(replies).find((code) => new RegExp(`(^|[ -])${code} `).test(error.message));
    return reply === undefined ? `failed: ${error.message}` : replies[reply];
  }
  const code = "code" in error ? error.code : undefined;
  if (typeof code === "string" && /^E[A-Z]/.test(code)) {
    return `lost the connection to its server (${code}). ${notKnown}`;
  }
  if (/(Socket|Client|Connection|Disconnects|Reconnect|RootNodes|Timeout)\w*Error$/.test(error.constructor.name)) {
    return `lost its connection (${error.message}). ${notKnown}`;
  }
  return undefined;
}

/** Whether the server itself said so. The classes of the driver are known by name: it is not loaded for this. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && /^(ErrorReply|SimpleError|BlobError)$/.test(error.constructor.name);
}

/** The failure of a call that got no answer. */
export function noAnswer(waited: number): Error {
  return new Error(`The Redis store got no answer for ${waited} ms. ${notKnown}`);
}

/** The failure of a call whose answer came in other types than the server's own. */
export function notUnderstood(): Error {
  return new Error(
    'The Redis store does not understand what its "client" answers. Give it one without a type mapping (withTypeMapping, ' +
      `commandOptions). ${notKnown}`,
  );
}

/** The failure of a call for which there was no connection. */
export function noConnection(cause?: unknown): unknown {
  // The server was reached, and turned us away.
  if (isReply(cause)) return explain(cause);
  const code = cause instanceof Error && "code" in cause ? ` (${cause.code})` : "";
  return new Error(
    `The Redis store cannot reach its server${code}; nothing was sent. Is it running, and is the address right? ` +
      "It goes on trying to connect.",
    { cause },
  );
}
