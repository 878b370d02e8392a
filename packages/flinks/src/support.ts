import type { Answer } from "@linkwright/core";

/** The two headers by which Flinks's support finds a request. */
const supportHeaders = ["ob-correlation-id", "ob-trace-id"];

/** What an answer says of itself, ready to stand in a fault: its own code and words, and both support handles. */
export function saying(
  answer: Answer,
  code: unknown,
  description: unknown,
): { readonly code?: string; readonly description?: string; readonly support?: Readonly<Record<string, string>> } {
  const support = Object.fromEntries(
    supportHeaders.map((name) => [name, answer.headers.get(name)]).filter(([, value]) => value),
  );
  return {
    ...((typeof code === "string" || typeof code === "number") && { code: String(code) }),
    ...(typeof description === "string" && description !== "" && { description }),
    ...(Object.keys(support).length > 0 && { support }),
  };
}

/** The members of a JSON object; none for anything else. */
export function members(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === "object" && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : {};
}

/** Whether the answer is not Flinks's own: a page or text of something in between says nothing about a grant. */
export function foreign(answer: Answer): boolean {
  return answer.text.trim() !== "" && !/^$|[/+]json$/.test(answer.mediaType);
}
