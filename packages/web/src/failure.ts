import { isConnectorError } from "@linkwright/core";
import { json, page, wantsPage } from "./answers.ts";
import { failurePage } from "./pages.ts";
import { adviceOn, type FailureCode, statusOf } from "./status.ts";

/** What the handlers themselves refuse, as opposed to a fault of a connection's. */
export class Refusal extends Error {
  readonly code: FailureCode;
  /** With `method`: what is allowed. */
  readonly allow: string | undefined;

  constructor(code: FailureCode, allow?: string) {
    super(adviceOn(code).title);
    this.code = code;
    this.allow = allow;
  }
}

/** What went wrong, in one word. */
export function codeOf(error: unknown): FailureCode {
  if (error instanceof Refusal) return error.code;
  return isConnectorError(error) ? error.fault.kind : "internal";
}

/** Whether the application's operator has to know: the user can do nothing about it. */
export const concernsOperator = (code: FailureCode): boolean =>
  code === "configuration" || code === "protocol" || code === "store" || code === "internal";

/** A failure as JSON, or as a page that says what to do. */
export function failureAnswer(request: Request, error: unknown, wayBack = "/"): Response {
  const code = codeOf(error);
  const status = statusOf(code);
  const fault = isConnectorError(error) ? error.fault : undefined;
  // It holds no secret, and quotes what a provider said. What the operator has to see to, the user need not know.
  const said = isConnectorError(error) && !concernsOperator(code) ? error.message : undefined;
  const headers: Record<string, string> = {};
  if (error instanceof Refusal && error.allow !== undefined) headers.allow = error.allow;
  if (fault?.kind === "retry") headers["retry-after"] = String(secondsUntil(fault.retryAt));
  const { title, remedy } = adviceOn(code, fault);
  if (wantsPage(request)) return page(failurePage(title, remedy, said, wayBack), status, headers);
  const body = {
    code,
    ...(fault && "reason" in fault && { reason: fault.reason }),
    ...(fault?.kind === "retry" && { retryAt: fault.retryAt }),
    message: said ?? `${title}. ${remedy}`,
  };
  return json({ error: body }, status, headers);
}

/** RFC 9110, section 10.2.3; within the hour. */
export const secondsUntil = (instant: number): number =>
  Math.min(3600, Math.max(1, Math.ceil((instant - Date.now()) / 1000)));
