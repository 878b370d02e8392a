import { decodeJwt } from "jose";

/** A request that the connector sent, as its transport saw it. */
export interface Sent {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** Empty where it is not text. */
  readonly body: string;
}

export function sentOf(url: string, init: RequestInit = {}): Sent {
  const { body } = init;
  return {
    method: init.method ?? "GET",
    url: new URL(url),
    headers: new Headers(init.headers),
    body: typeof body === "string" ? body : body instanceof URLSearchParams ? body.toString() : "",
  };
}

/** Every value that a body carries, by member name: of a form, or at any depth of JSON. */
export function membersOf({ body }: Pick<Sent, "body">): readonly (readonly [name: string, value: string])[] {
  try {
    return leaves("", JSON.parse(body));
  } catch {
    return [...new URLSearchParams(body)];
  }
}

function leaves(name: string, value: unknown): (readonly [string, string])[] {
  if (typeof value === "object" && value !== null)
    return Object.entries(value).flatMap(([key, each]) => leaves(key, each));
  return [[name, String(value)]];
}

/** What a text says, and what JWTs in it say. */
export function plainly(text: string): string {
  const jwts = text.match(/[\w-]+\.[\w-]+\.[\w-]*/g) ?? [];
  return [text, ...jwts.map(claims)].join("\n");
}

function claims(jwt: string): string {
  try {
    return JSON.stringify(decodeJwt(jwt));
  } catch {
    return "";
  }
}

/** The ways in which a secret can be written: as it is, in a form, in a URL, in JSON, in base64. */
export function spellings(secret: string): string[] {
  const form = new URLSearchParams({ "": secret }).toString().slice(1);
  const json = JSON.stringify(secret).slice(1, -1);
  return [...new Set([secret, form, encodeURIComponent(secret), json, Buffer.from(secret).toString("base64")])];
}

/** Whether `text` shows `secret`, however written. */
export const shows = (text: string, secret: string): boolean => spellings(secret).some((each) => text.includes(each));
