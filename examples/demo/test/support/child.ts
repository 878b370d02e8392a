import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A script in a process of its own, run as the workspace's scripts run it. */
export function child(
  script: string,
  argv: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const flags = ["--conditions=@linkwright/source", "--disable-warning=ExperimentalWarning"];
  const started = spawn(process.execPath, [...flags, path, ...argv], {
    // Away from any `.env` of somebody's: tests talk to simulators alone.
    cwd: import.meta.dirname,
    env: { PATH: process.env.PATH ?? "", NO_COLOR: "1", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const listeners = new Set<() => void>();
  for (const stream of [started.stdout, started.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      for (const listener of [...listeners]) listener();
    });
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    started.once("close", (code) => resolve({ code, output })),
  );
  return {
    ended,
    kill: (signal: "SIGTERM" | "SIGINT") => started.kill(signal),
    /** The first match in what it has printed so far or will print. Rejects where it ends without. */
    printed: (pattern: RegExp) =>
      new Promise<RegExpExecArray>((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(output);
          if (!match) return;
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`it ended without ${pattern}: ${output}`)));
      }),
  };
}
