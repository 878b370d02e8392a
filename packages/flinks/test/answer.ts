import type { Answer } from "@linkwright/core";

/** An answer as core reads it: of a JSON body unless `text` is given. */
export function answer(
  status: number,
  body: {
    readonly json?: unknown;
    readonly text?: string;
    readonly mediaType?: string;
    readonly headers?: HeadersInit;
  } = {},
): Answer {
  const text = body.text ?? (body.json === undefined ? "" : JSON.stringify(body.json));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {}
  return {
    status,
    headers: new Headers(body.headers),
    mediaType: body.mediaType ?? (body.json === undefined ? "" : "application/json"),
    text,
    json,
  };
}
