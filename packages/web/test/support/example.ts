import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { simulateFiskl } from "@linkwright/testing";
import { freePort } from "../../../testing/test/support/ports.ts";

export interface ExampleOptions {
  /** Arguments of Node's; the example's file where it needs no more. */
  readonly arguments: readonly string[];
  readonly directory?: string;
}

/** An example application as a process of its own, in front of a simulated provider, by the environment alone. */
export async function startExample(options: ExampleOptions) {
  await using stack = new AsyncDisposableStack();
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const books = stack.use(
    await simulateFiskl({
      clients: [{ clientId: "app_01", clientSecret: "s3cr3t", redirectUris: [`${origin}/linkwright/callback/books`] }],
      webhookUrl: `${origin}/linkwright/webhook/books`,
    }),
  );
  const directory = await mkdtemp(join(tmpdir(), "linkwright-example-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const child = spawn(
    process.execPath,
    options.arguments.map((argument) => argument.replace("{port}", String(port))),
    {
      cwd: options.directory,
      env: {
        ...process.env,
        NODE_ENV: "production",
        NODE_OPTIONS: "",
        PORT: String(port),
        APP_ORIGIN: origin,
        FISKL_CLIENT_ID: "app_01",
        FISKL_CLIENT_SECRET: "s3cr3t",
        FISKL_BASE_URL: books.endpoints.api,
        FISKL_ISSUER: books.endpoints.issuer,
        FISKL_WEBHOOK_SECRET: books.webhookSecrets[0],
        LINKWRIGHT_DATABASE: join(directory, "example.db"),
        LINKWRIGHT_KEY: randomBytes(32).toString("base64"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const exited = once(child, "exit");
  stack.defer(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  await answering(origin, () => {
    if (child.exitCode !== null) throw new Error(`The example ended with ${child.exitCode}:\n${output}`);
    return output;
  });
  const started = stack.move();
  return { origin, books, output: () => output, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

export type Example = Awaited<ReturnType<typeof startExample>>;

async function answering(origin: string, alive: () => string): Promise<void> {
  const end = Date.now() + 60_000;
  for (;;) {
    try {
      await fetch(`${origin}/invoices`);
      return;
    } catch {
      if (Date.now() > end) throw new Error(`The example does not answer:\n${alive()}`);
      alive();
      await pause(50);
    }
  }
}
