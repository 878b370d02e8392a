import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { simulateFiskl, virtualClock } from "@linkwright/testing";
import { freePort } from "../../../../packages/testing/test/support/ports.ts";
import { simulatedClient, simulatorFile } from "../../src/settings.ts";

const script = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
export const flags = ["--conditions=@linkwright/source", "--disable-warning=ExperimentalWarning"];

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What any process needs, and where its compiled sources are kept. */
const inherited = () => {
  const { PATH = "", NODE_COMPILE_CACHE = "" } = process.env;
  return { PATH, NODE_COMPILE_CACHE };
};

/** The program in a process of its own, with an environment that is the test's alone. */
export function run(parameters: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [...flags, script, ...parameters], {
    env: { ...inherited(), HOME: "/nonexistent", NO_COLOR: "1", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      for (const listener of [...listeners]) listener();
    });
  const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, ...output })));
  /** The first match in what it printed so far or will print; rejects where it ends without. */
  const printed = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output.stdout + output.stderr);
        if (match) resolve(match);
      };
      listeners.add(look);
      look();
      void ended.then(() => reject(new Error(`it ended without ${pattern}: ${output.stdout}${output.stderr}`)));
    });
  return {
    ended,
    printed,
    /** The address that the user is to open. */
    url: async () => (await printed(/^ {2}(http\S+)$/m))[1] ?? "",
    kill: (signal: "SIGINT" | "SIGKILL") => child.kill(signal),
  };
}

/** A directory of its own, Fiskl on this machine, and a port that is registered there. */
export async function bench() {
  const directory = await mkdtemp(join(tmpdir(), "books-"));
  const clock = virtualClock({ running: true });
  const redirectUri = `http://localhost:${await freePort()}/callback`;
  const simulator = await simulateFiskl({
    clock,
    clients: [{ clientId: simulatedClient, redirectUris: [redirectUri] }],
  });
  await writeFile(simulatorFile(directory), JSON.stringify({ api: simulator.origin, issuer: simulator.webAppOrigin }));
  const environment = { BOOKS_REDIRECT_URI: redirectUri };
  const books = (command: string, parameters: readonly string[] = [], more: Readonly<Record<string, string>> = {}) =>
    run([command, "--directory", directory, ...parameters], { ...environment, ...more });
  return {
    directory,
    clock,
    redirectUri,
    simulator,
    books,
    /** Logs in, the test being the browser. */
    async login() {
      const program = books("login", ["--no-browser"]);
      await fetch(await simulator.consent(await program.url()));
      return program.ended;
    },
    async [Symbol.asyncDispose]() {
      await simulator.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
