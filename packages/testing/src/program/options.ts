import { parseArgs } from "node:util";
import { type ProviderName, providers } from "./providers.ts";

/** What the command line asks for. */
export interface ProgramOptions {
  readonly provider: ProviderName;
  readonly port: number;
  readonly otherPort: number;
  readonly redirectUris: readonly string[];
  readonly webhookUrl?: string;
  /** What the clock shows at first. */
  readonly start?: Date;
  /** The clock stands still until it is moved. */
  readonly still: boolean;
  readonly json: boolean;
}

/** The command line cannot be followed; the message says why, and what to write. */
export class UsageError extends Error {}

export const usage = `Usage: linkwright-simulate <provider> [options]

Puts a provider on this machine's loopback, to test against in any language.

Providers
${Object.entries(providers)
  .map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`)
  .join("\n")}

Options
  --port <number>          where it listens; a free port where left out
  --other-port <number>    where its second host listens (fiskl: the web app)
  --redirect-uri <uri>     registered with its clients in place of the default ones; may be repeated
  --webhook-url <url>      where webhooks go (fiskil, fiskl)
  --start <date>           what its clock shows at first, such as 2026-01-31T00:00:00Z; the present where left out
  --still                  its clock stands still until it is moved
  --json                   prints addresses and credentials as one line of JSON
  --help                   prints this

Faults, the clock and the journal are steered over HTTP, below /_control.
`;

/** @returns `undefined` where help is asked for. @throws {UsageError} */
export function readOptions(args: readonly string[]): ProgramOptions | undefined {
  const { values, positionals } = parsed(args);
  if (values.help) return undefined;
  const [provider, ...more] = positionals;
  const known = Object.keys(providers).join(", ");
  if (provider === undefined) throw new UsageError(`Which provider? One of ${known}.`);
  if (!Object.hasOwn(providers, provider))
    throw new UsageError(`There is no provider "${provider}". There are ${known}.`);
  if (more.length > 0) throw new UsageError(`One provider at a time: "${more.join(" ")}" is too much.`);
  const webhookUrl = values["webhook-url"];
  const start = values.start === undefined ? undefined : new Date(values.start);
  if (start && Number.isNaN(start.getTime())) throw new UsageError(`--start ${values.start} is no date.`);
  return {
    provider: provider as ProviderName,
    port: port("--port", values.port),
    otherPort: port("--other-port", values["other-port"]),
    redirectUris: (values["redirect-uri"] ?? []).map((uri) => url("--redirect-uri", uri)),
    ...(webhookUrl !== undefined && { webhookUrl: url("--webhook-url", webhookUrl) }),
    ...(start && { start }),
    still: values.still ?? false,
    json: values.json ?? false,
  };
}

function parsed(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        port: text,
        "other-port": text,
        "redirect-uri": { ...text, multiple: true },
        "webhook-url": text,
        start: text,
        still: flag,
        json: flag,
        help: { ...flag, short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}. See --help.`);
  }
}

function port(option: string, text: string | undefined): number {
  if (text === undefined) return 0;
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= 65_535) return number;
  throw new UsageError(`${option} ${text} is no port: give a number from 0 to 65535.`);
}

function url(option: string, text: string): string {
  if (URL.canParse(text)) return text;
  throw new UsageError(`${option} ${text} is no absolute URL.`);
}
