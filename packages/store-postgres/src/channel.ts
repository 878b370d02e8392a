import { hash } from "node:crypto";

/** What a notification names a record by: its key may be longer than a notification can be, and is nobody's business. */
export function digestOf(text: string): string {
  return hash("sha256", text);
}

/** The channel of a schema's stores. Fits into the 63 bytes of a name and needs no quotes. */
export function channelOf(schema: string | undefined): string {
  return schema === undefined ? "linkwright" : `linkwright_${digestOf(schema).slice(0, 32)}`;
}
