import { virtualClock } from "../clock.ts";
import { controlDesk, controlPath } from "./control.ts";
import { type ProgramOptions, readOptions, UsageError, usage } from "./options.ts";
import { type Opened, providers } from "./providers.ts";

/**
 * Runs the program until it is told to stop (SIGINT, SIGTERM).
 *
 * @param args - The command line, without the program's name.
 * @returns The exit code: 0; 1 where it could not start; 2 for a command line that cannot be followed.
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  try {
    const options = readOptions(args);
    if (!options) {
      process.stdout.write(usage);
      return 0;
    }
    const opened = await open(options);
    process.stdout.write(options.json ? `${JSON.stringify(described(options, opened))}\n` : told(options, opened));
    await stopped;
    await opened.simulator.close();
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n`);
      return 2;
    }
    process.stderr.write(`${complaint(error)}\n`);
    return 1;
  }
}

async function open({ provider, start, still, ...options }: ProgramOptions): Promise<Opened> {
  const clock = virtualClock({ running: !still, start: start ?? Date.now() });
  let desk: ReturnType<typeof controlDesk> | undefined;
  const aside = {
    path: controlPath,
    fetch: (request: Request) => desk?.(request) ?? new Response(null, { status: 503 }),
  };
  const opened = await providers[provider].open({ ...options, clock, aside });
  desk = controlDesk(provider, opened);
  return opened;
}

const described = ({ provider }: ProgramOptions, { simulator, addresses, credentials }: Opened) => ({
  provider,
  addresses,
  credentials,
  control: simulator.origin + controlPath,
});

function told(options: ProgramOptions, opened: Opened): string {
  const { provider, addresses, credentials, control } = described(options, opened);
  const width = Math.max(...Object.keys(addresses).map((name) => name.length));
  return [
    `${provider} is simulated at ${opened.simulator.origin}`,
    "",
    "addresses",
    ...Object.entries(addresses).map(([name, address]) => `  ${name.padEnd(width)}  ${address}`),
    "",
    "credentials",
    ...credentials.map(
      (each) =>
        `  ${Object.entries(each)
          .map(([name, value]) => `${name} ${value}`)
          .join(", ")}`,
    ),
    "",
    `control: ${control} (faults, clock, journal, consent)`,
    "Ctrl-C ends it.",
    "",
  ].join("\n");
}

function complaint(error: unknown): string {
  const { code, port } = error as { code?: unknown; port?: unknown };
  if (code === "EADDRINUSE") return `Port ${port} is taken. Choose another, or leave it out for a free one.`;
  if (code === "EACCES") return `Port ${port} may not be listened at. Choose one above 1023.`;
  return error instanceof Error ? error.message : String(error);
}
