import { Refusal } from "./failure.ts";

/** Largest form: 64 KiB. A code of 16 KiB that is encoded thrice over fits. */
const largest = 64 * 1024;

/**
 * A body as a form: `application/x-www-form-urlencoded`, or a flat JSON object. None is an empty form.
 *
 * @throws {Refusal} 400, 413 or 415.
 */
export async function readForm(request: Request): Promise<URLSearchParams> {
  const type = (request.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  const text = await readText(request);
  if (text === "") return new URLSearchParams();
  if (type === "application/x-www-form-urlencoded") return new URLSearchParams(text);
  if (type !== "application/json") throw new Refusal("unsupported_type");
  return formOf(parsed(text));
}

function formOf(value: unknown): URLSearchParams {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Refusal("bad_request");
  const form = new URLSearchParams();
  for (const [name, member] of Object.entries(value))
    for (const one of Array.isArray(member) ? member : [member]) {
      if (typeof one === "object" && one !== null) throw new Refusal("bad_request");
      if (one !== null) form.append(name, String(one));
    }
  return form;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal("bad_request");
  }
}

async function readText(request: Request): Promise<string> {
  const reader = request.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    length += part.value.byteLength;
    if (length > largest) {
      await reader?.cancel().catch(() => {});
      throw new Refusal("too_large");
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}
