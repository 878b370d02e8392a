import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { freePort } from "../../testing/test/support/ports.ts";
import { using } from "./services.ts";

export const hasRedisServer = spawnSync("redis-server", ["--version"]).status === 0;
if (!hasRedisServer) {
  if (process.env.CI) throw new Error("CI needs the program redis-server.");
  console.log("SKIPPED: the tests that start a Redis of their own, as there is no program redis-server.");
}

/** Redis Cluster also listens so far above its port. */
const clusterBus = 10_000;

/** A server of the test's own, which it may set up as it likes, and kill. */
export class PrivateRedis {
  readonly #directory = mkdtempSync(join(tmpdir(), "linkwright-redis-"));
  readonly #flags: readonly string[];
  readonly port: number;
  #child: ChildProcess | undefined;

  private constructor(port: number, settings: Readonly<Record<string, string>>) {
    this.port = port;
    const own = { port: `${port}`, bind: "127.0.0.1", dir: this.#directory, save: "", ...settings };
    this.#flags = Object.entries(own).flatMap(([name, value]) => [`--${name}`, value]);
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PrivateRedis> {
    const server = new PrivateRedis(await freePort(clusterBus), settings);
    await server.start();
    return server;
  }

  get address(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, also after a kill: then it reads what it kept. */
  async start(): Promise<void> {
    this.#child = spawn("redis-server", this.#flags, { stdio: "ignore" });
    for (let tries = 0; tries < 100; tries++) {
      const answer = await using(this.address, (client) => client.ping()).catch((error: Error) => error.message);
      // One that wants a password is up as well.
      if (answer === "PONG" || answer.startsWith("NOAUTH")) return;
      await setTimeout(50);
    }
    throw new Error("The private Redis did not start.");
  }

  /** It does not get to write or to say anything. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
