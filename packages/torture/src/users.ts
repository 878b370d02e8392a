import { owner, session, type TortureApplication } from "./bank.ts";
import type { Front } from "./front.ts";
import type { SharedConnection } from "./messages.ts";

/** A grant that is its connection's no more. What was made of it is told at the end. */
export interface LostGrant {
  readonly connection: number;
  readonly grant: number;
  readonly reason: string;
}

/** The users: each connects once, and again when the connection asks for it. */
export interface Users {
  readonly connections: readonly SharedConnection[];
  readonly lost: readonly LostGrant[];
  /** The number of the grant that a connection has now. */
  grantOf(connection: number): number;
  /** A caller was told that the user has to connect again: where the record says the same, the user does, in place. */
  asked(connection: number, reason: string): void;
  /** Resolves when nobody is connecting any more; rejects where somebody could not. */
  settled(): Promise<void>;
}

export interface UsersParts {
  readonly count: number;
  /** On the store by a way of its own, which nothing blocks. */
  readonly looker: TortureApplication;
  readonly front: Front;
  readonly server: { consent(url: string, decision: { readonly user: string }): Promise<string> };
}

export async function connectUsers({ count, looker, front, server }: UsersParts): Promise<Users> {
  const connections: SharedConnection[] = [];
  const lost: LostGrant[] = [];
  const grants = new Map<number, number>();
  let begun = 0;
  // One after another: the front takes the next code for the grant that was announced last.
  let queue: Promise<void> = Promise.resolve();

  async function link(number: number, subject: string, connection?: string): Promise<string> {
    front.expect(begun);
    grants.set(number, begun++);
    const flow = await looker.providers.bank.connect({ owner, session, ...(connection && { connection }) });
    return (await looker.complete(await server.consent(flow.url, { user: subject }), { session })).id;
  }

  async function again({ number, id, subject }: SharedConnection, reason: string): Promise<void> {
    const status = await persistently(async () => (await looker.connection(id, { owner })).status());
    // Told before it healed, or before another caller's word was heard.
    if (status.health !== "reauthorize") return;
    lost.push({ connection: number, grant: grants.get(number) ?? 0, reason });
    await persistently(() => link(number, subject, id));
  }

  for (let number = 0; number < count; number++) {
    const subject = subjectOf(number);
    connections.push({ number, subject, id: await link(number, subject) });
  }
  return {
    connections,
    lost,
    grantOf: (connection) => grants.get(connection) ?? -1,
    asked(connection, reason) {
      const one = connections[connection];
      if (one) queue = queue.then(() => again(one, reason));
      queue.catch(() => {});
    },
    settled: () => queue,
  };
}

export const subjectOf = (connection: number): string => `user-${connection}`;

/** Again, where the store is away just now. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
