import { type ChildProcess, fork } from "node:child_process";

/** A process of our own that answers one message with one message. */
export interface Peer {
  /** @throws What the process said went wrong, or that it ended. */
  ask<Answer>(message: object): Promise<Answer>;
  /** Ends it by its own id and waits until it has. */
  end(): Promise<void>;
}

type Reply = { readonly id: number; readonly answer?: unknown; readonly error?: string };

/** Starts a module of this folder, under the same flags as this process unless others are given. */
export function start(module: string, args: readonly string[] = [], flags: readonly string[] = []): Peer {
  const child = fork(new URL(module, import.meta.url), args, { execArgv: [...process.execArgv, ...flags] });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let asked = 0;
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.on("message", (message) => {
    const { id, answer, error } = message as Reply;
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) waiter?.resolve(answer);
    else waiter?.reject(new Error(`${module}: ${error}`));
  });
  child.once("exit", (code) => {
    for (const waiter of waiting.values()) waiter.reject(new Error(`${module} ended with code ${code}`));
    waiting.clear();
  });
  return {
    ask<Answer>(message: object) {
      const waiter = Promise.withResolvers<unknown>();
      const id = ++asked;
      waiting.set(id, waiter);
      child.send({ ...message, id });
      return waiter.promise as Promise<Answer>;
    },
    end: () => ended(child, exited),
  };
}

async function ended(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.connected) child.disconnect();
  // A process that holds a socket open would outlive us.
  const late = setTimeout(() => child.kill("SIGKILL"), 5000);
  await exited;
  clearTimeout(late);
}

/** The other side: answers each message of the process that started this one, and ends with it. */
export function answer<Message>(work: (message: Message) => unknown): void {
  process.on("message", async (message: Message & { readonly id: number }) => {
    const { id } = message;
    try {
      process.send?.({ id, answer: await work(message) });
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.on("disconnect", () => process.exit());
}
