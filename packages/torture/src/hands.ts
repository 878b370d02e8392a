import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { start } from "./crew.ts";
import type { Answer, Numbered, Order, Reply } from "./hand-messages.ts";

/** A process that does as it is told. */
export interface Hand {
  do<Name extends Order["do"]>(order: Extract<Order, { do: Name }>): Promise<AnswerTo<Name>>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

type AnswerTo<Name extends Order["do"]> = Extract<
  Answer,
  {
    to: Name extends "ask" | "ask the application"
      ? "ask"
      : Name extends "maintain" | "events" | "disconnect"
        ? Name
        : "order";
  }
>;

const program = fileURLToPath(new URL("./hand.ts", import.meta.url));

export function startHand(): Hand {
  const child: ChildProcess = start(program);
  const open = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  let last = 0;
  child.on("message", (reply: Reply) => {
    const waiting = open.get(reply.number);
    open.delete(reply.number);
    if ("error" in reply) waiting?.reject(new Error(reply.error));
    else waiting?.resolve(reply.body);
  });
  child.once("exit", () => {
    for (const { reject } of open.values()) reject(new Error("The process is gone."));
    open.clear();
  });
  return {
    do: <Name extends Order["do"]>(order: Extract<Order, { do: Name }>) =>
      new Promise<AnswerTo<Name>>((resolve, reject) => {
        const number = ++last;
        open.set(number, { resolve: resolve as (answer: Answer) => void, reject });
        child.send({ number, body: order } satisfies Numbered<Order>, (error) => error && reject(error));
      }),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}
