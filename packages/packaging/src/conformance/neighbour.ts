import type { Clock } from "@linkwright/core";

/** Where the application is called back; the providers other than the standard one and Flinks below it. */
export const redirectUri = "https://app.example/callback";

/** Where the simulated world is. */
export interface Setting {
  readonly control: string;
  readonly standard: Readonly<
    Record<"issuer" | "authorization_endpoint" | "token_endpoint" | "revocation_endpoint", string>
  >;
  readonly flinks: string;
  readonly fiskl: Readonly<Record<"origin" | "issuer" | "authorization_endpoint" | "token_endpoint", string>>;
  readonly fiskil: { readonly base: string; readonly consent: string };
  readonly fiskilSecret: string;
}

/** The simulated world, as a program under any runtime acts on it. */
export interface World extends Setting {
  /** The world's time. */
  readonly clock: Clock;
  /** Moves the time of both sides. */
  advance(milliseconds: number): Promise<void>;
  ask<Answer>(action: string, ask?: Readonly<Record<string, string>>): Promise<Answer>;
  /** The user agrees, or does not. @returns The callback's URL. */
  consent(server: "standard" | "flinks" | "fiskl" | "fiskil", url: string, decision?: "deny"): Promise<string>;
}

export async function enter(setting: Setting): Promise<World> {
  async function ask<Answer>(action: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const response = await fetch(setting.control, { method: "POST", body: JSON.stringify({ action, ...more }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`the world refused ${action}: ${text}`);
    return JSON.parse(text) as Answer;
  }

  const began = await ask<number>("now");
  let now = began;
  const clock: Clock = {
    now: () => now,
    // It runs, since heartbeats and deadlines are real here, and leaps with the world's.
    monotonic: () => performance.now() + (now - began),
    after(delay, callback) {
      const timer = setTimeout(callback, delay);
      return () => clearTimeout(timer);
    },
  };
  return {
    ...setting,
    clock,
    ask,
    async advance(milliseconds) {
      now = await ask<number>("advance", { milliseconds: String(milliseconds) });
    },
    consent: (server, url, decision) => ask("consent", { server, url, ...(decision && { decision }) }),
  };
}
