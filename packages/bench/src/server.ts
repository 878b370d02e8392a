import { start } from "./processes.ts";

/** The authorization server that all contestants are measured against, in a process of its own. */
export interface Server {
  readonly origin: string;
  set(settings: ServerSettings): Promise<void>;
  /** Refresh tokens, each the first of its family. */
  issue(count?: number): Promise<string[]>;
  /** What it counted since `before`, or since it started. */
  count(before?: Counters): Promise<Counters>;
  end(): Promise<void>;
}

export interface ServerSettings {
  readonly rotating?: boolean;
  /** Milliseconds before each answer. */
  readonly delay?: number;
  /** Of access tokens: seconds. */
  readonly lifetime?: number;
}

export interface Counters {
  requests: number;
  /** TCP connections that were opened. */
  connections: number;
  /** Refresh tokens presented a second time after they were used up. */
  reused: number;
  /** Refresh tokens refused. */
  refused: number;
}

export type ServerMessage =
  | { readonly do: "origin" | "read" }
  | { readonly do: "set"; readonly settings: ServerSettings }
  | { readonly do: "issue"; readonly count: number };

export async function startServer(settings: ServerSettings = {}): Promise<Server> {
  const peer = start("./server-process.ts");
  const ask = <Answer>(message: ServerMessage) => peer.ask<Answer>(message);
  await ask({ do: "set", settings });
  return {
    origin: await ask<string>({ do: "origin" }),
    set: (changes) => ask({ do: "set", settings: changes }),
    issue: (count = 1) => ask<string[]>({ do: "issue", count }),
    async count(before) {
      const now = await ask<Counters>({ do: "read" });
      const since = (name: keyof Counters) => now[name] - (before?.[name] ?? 0);
      return {
        requests: since("requests"),
        connections: since("connections"),
        reused: since("reused"),
        refused: since("refused"),
      };
    },
    end: peer.end,
  };
}
