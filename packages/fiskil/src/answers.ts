import { type CallRequest, ConnectorError, misconfigured, type ProviderContext } from "@linkwright/core";
import * as z from "zod";

/**
 * Checks an answer against what is documented; further members stay.
 *
 * @throws {ConnectorError} `protocol`, naming the call and the member, never a value.
 */
export function parsed<Schema extends z.ZodType>(schema: Schema, answer: unknown, call: string): z.output<Schema> {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const at = result.error.issues[0]?.path.join(".");
  throw new ConnectorError(
    { kind: "protocol" },
    `fiskil: ${call} answered in an undocumented shape${at ? ` at ${at}` : ""}.`,
  );
}

/** An id as one segment of a path, so that no id can lead to another path. */
export function segment(id: string): string {
  if (/^\.{0,2}$/.test(id))
    throw misconfigured("fiskil: an id is empty or made of dots; give the id as Fiskil names it");
  return encodeURIComponent(id);
}

/** As many pages as anyone can mean to read; more is a server that never ends. */
const mostPages = 1000;

/**
 * Reads a list whole, in the shape of v1 and v2 (an array) or of v3 (`{ [member]: [...], links: { next } }`). Of `next` only the
 * cursor is used: the token goes to one's own base, wherever a link points.
 */
export async function list<Item extends z.ZodType>(
  context: ProviderContext,
  path: string,
  member: string,
  item: Item,
  query: NonNullable<CallRequest["query"]> = {},
): Promise<z.output<Item>[]> {
  const call = `GET ${path}`;
  const found: z.output<Item>[] = [];
  const seen = new Set<string>();
  for (let after: string | undefined; ; ) {
    const answer = await context.call(path, {
      query: after === undefined ? query : { ...query, "page[after]": after },
    });
    if (Array.isArray(answer)) return parsed(z.array(item), answer, call);
    const { [member]: items, links } = parsed(page, answer, call);
    const part = parsed(z.array(item), items, call);
    found.push(...part);
    if (!links?.next || part.length === 0) return found;
    after = cursorOf(links.next);
    // Half a list is no list: that a consent is not on it would be read as its end.
    if (!after || seen.has(after) || seen.size >= mostPages)
      throw new ConnectorError({ kind: "protocol" }, `fiskil: the pages of ${call} do not end.`);
    seen.add(after);
  }
}

const page = z.looseObject({ links: z.object({ next: z.string().nullish() }).nullish() });

function cursorOf(next: string): string | undefined {
  const base = "https://api.fiskil.com";
  return (URL.canParse(next, base) && new URL(next, base).searchParams.get("page[after]")) || undefined;
}
