import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { create, type ProcessHarness, type Promised, type StoreHarness } from "./harness.ts";

const count = 3;
const each = 25;

/** What holds among processes of one host, each with a store of its own. */
export function processes({ process: other, reach }: StoreHarness): Promised[] {
  if (!other || reach === "process") return [];
  return [
    {
      name: `G02 no update is lost among ${count} processes`,
      remedy: "let the backend itself compare and write; a lock or a check in this process's memory binds no other.",
      async run({ store, prefix }) {
        const key = `${prefix}counter`;
        await create(store, key, "0");
        const children = Array.from({ length: count }, () => new Child(other, key));
        try {
          await Promise.all(children.map((child) => child.line()));
          for (const child of children) child.go();
          const versions = await Promise.all(children.map(async (child) => JSON.parse(await child.line()) as string[]));
          await Promise.all(children.map((child) => child.end()));
          assert.equal(
            (await store.read(key))?.value,
            `${count * each}`,
            "the counter after all acknowledged increments",
          );
          assert.equal(new Set(versions.flat()).size, count * each, "two acknowledged increments had one version");
        } finally {
          for (const child of children) child.kill();
        }
      },
    },
  ];
}

/** A process that says when it is ready, waits to be told, increments, prints its versions and exits. */
class Child {
  readonly #child;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  #complaint = "";

  constructor({ moduleUrl, exportName, options, execArgv = [] }: ProcessHarness, key: string) {
    const isSource = import.meta.url.endsWith(".ts");
    const program = new URL(isSource ? "./increment-process.ts" : "./increment-process.js", import.meta.url);
    const flags = ["--disable-warning=ExperimentalWarning", ...(isSource ? ["--conditions=@linkwright/source"] : [])];
    const task = JSON.stringify({ moduleUrl, exportName, options, key, times: each });
    // A minute is far more than it takes: a store that hangs shall not leave processes behind.
    this.#child = spawn(process.execPath, [...flags, ...execArgv, fileURLToPath(program), task], { timeout: 60_000 });
    this.#child.stderr.on("data", (chunk: Buffer) => {
      this.#complaint = `${this.#complaint}${chunk}`.slice(-4000);
    });
    this.#ended = new Promise((resolve) => this.#child.once("close", resolve));
    // A process that ended early, or never began, is reported by `line`, with what it said.
    this.#child.on("error", (error) => {
      this.#complaint += error.message;
    });
    this.#child.stdin.on("error", () => {});
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    // What it said of its failure may come in after its last line.
    if (done) await this.#ended;
    if (done) throw new Error(`A process with a store of its own failed: ${this.#complaint}`);
    return value;
  }

  go(): void {
    this.#child.stdin.end("go\n");
  }

  async end(): Promise<void> {
    await this.#ended;
    assert.equal(this.#child.exitCode, 0, `a process did not end well after close(): ${this.#complaint}`);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
