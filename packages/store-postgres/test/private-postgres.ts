import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Client } from "pg";
import { freePort } from "../../testing/test/support/ports.ts";

/** Debian's place for the server's programs, newest first. */
const programs = existsSync("/usr/lib/postgresql")
  ? readdirSync("/usr/lib/postgresql")
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => `/usr/lib/postgresql/${version}/bin`)
      .find((directory) => existsSync(join(directory, "initdb")))
  : undefined;

/** Postgres refuses to run as root. */
const runs = process.getuid?.() === 0 ? ["runuser", "-u", "postgres", "--"] : ["env"];

export function hasPostgresPrograms(): boolean {
  if (programs) return true;
  console.log("SKIPPED: the tests that kill a Postgres of their own, as its programs are not in /usr/lib/postgresql.");
  return false;
}

/** A server of the test's own, which it may kill. */
export class PrivatePostgres {
  readonly #directory = mkdtempSync(join(tmpdir(), "linkwright-postgres-"));
  readonly #port: number;
  #child: ChildProcess | undefined;

  private constructor(port: number) {
    this.#port = port;
  }

  static async start(): Promise<PrivatePostgres> {
    const server = new PrivatePostgres(await freePort());
    chmodSync(server.#directory, 0o777);
    server.#execute("initdb", ["-D", server.#data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]);
    await server.start();
    return server;
  }

  get address(): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/postgres`;
  }

  /** Starts it, also after a kill: then it recovers from its log. */
  async start(): Promise<void> {
    const settings = [`port=${this.#port}`, "listen_addresses=127.0.0.1", `unix_socket_directories=${this.#data}`];
    const [command = "", ...rest] = runs;
    const flags = settings.flatMap((setting) => ["-c", setting]);
    for (let tries = 0; tries < 100; tries++) {
      // Right after a kill its children may still hold the shared memory, and it would not start.
      if (this.#child?.exitCode !== null) {
        this.#child = spawn(command, [...rest, join(programs ?? "", "postgres"), "-D", this.#data, ...flags], {
          stdio: "ignore",
        });
      }
      const client = new Client({ connectionString: this.address, connectionTimeoutMillis: 1000 });
      client.on("error", () => {});
      try {
        await client.connect();
        return await client.end();
      } catch {
        await setTimeout(100);
      }
    }
    throw new Error("The private Postgres did not start.");
  }

  /** As a power cut of the server's processes alone: none of them gets to write anything. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const exited = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
    process.kill(Number(readFileSync(join(this.#data, "postmaster.pid"), "utf8").split("\n")[0]), "SIGKILL");
    await exited;
    this.#child = undefined;
  }

  async remove(): Promise<void> {
    await this.kill();
    await setTimeout(200);
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  get #data(): string {
    return join(this.#directory, "data");
  }

  #execute(program: string, flags: string[]): void {
    const [command = "", ...rest] = runs;
    execFileSync(command, [...rest, join(programs ?? "", program), ...flags], { cwd: this.#directory, stdio: "pipe" });
  }
}
