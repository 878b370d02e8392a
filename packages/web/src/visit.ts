import { isConnectorError, misconfigured } from "@linkwright/core";
import { protectedResponse, seeOther, wantsPage, withCookies } from "./answers.ts";
import { codeOf, concernsOperator, failureAnswer, Refusal } from "./failure.ts";
import { localPath } from "./local-path.ts";
import type { Connected, Disconnected, Failed, Outcome } from "./outcome.ts";
import type { Site } from "./site.ts";
import { statusOf } from "./status.ts";

/** One request of a browser's, and what became known of it on the way. */
export interface Visit {
  readonly request: Request;
  readonly context: unknown;
  owner?: string;
  returnTo?: string | undefined;
  /** `Set-Cookie` lines that go with the answer, whatever it is. */
  readonly cookies: string[];
}

/** Answers a browser, also where something goes wrong. */
export async function answer(
  site: Site,
  during: Failed["during"],
  request: Request,
  context: unknown,
  work: (visit: Visit) => Promise<Response>,
): Promise<Response> {
  const visit: Visit = { request, context, cookies: [] };
  const response = await work(visit).catch((error: unknown) => failed(site, during, visit, error));
  return withCookies(response, visit.cookies);
}

/** Nothing is done by GET that a form has to ask for. */
export function checkMethod(request: Request, ...allowed: readonly string[]): void {
  if (!allowed.includes(request.method)) throw new Refusal("method", allowed.join(", "));
}

/** The path's last segment, which names a registration or a connection. */
export function lastSegment(request: Request): string {
  const last = new URL(request.url).pathname.split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(last);
  } catch {
    throw new Refusal("not_found");
  }
}

/** Where the browser goes after what went well. */
export async function onward(site: Site, visit: Visit, outcome: Connected | Disconnected): Promise<Response> {
  return (await nextOf(site, visit, outcome)) ?? seeOther(site.origin, outcome.returnTo ?? "/");
}

async function failed(site: Site, during: Failed["during"], visit: Visit, error: unknown): Promise<Response> {
  const { request, owner, returnTo } = visit;
  const code = codeOf(error);
  if (concernsOperator(code)) site.report(error, request);
  if (!wantsPage(request)) return failureAnswer(request, error);
  const outcome: Failed = {
    outcome: "failed",
    during,
    code,
    status: statusOf(code),
    error: isConnectorError(error) ? error : undefined,
    owner,
    returnTo,
  };
  try {
    return (await nextOf(site, visit, outcome)) ?? failureAnswer(request, error, returnTo);
  } catch (another) {
    site.report(another, request);
    return failureAnswer(request, error, returnTo);
  }
}

/** What the application says of an outcome, if it says anything. */
async function nextOf(site: Site, visit: Visit, outcome: Outcome): Promise<Response | undefined> {
  const next = await site.next(outcome, visit.request, visit.context);
  if (next === undefined) return undefined;
  if (typeof next !== "string") return protectedResponse(next);
  const path = localPath(next, site.origin);
  if (path === undefined) throw misconfigured("createHandlers: next gave what is no path of this origin");
  return seeOther(site.origin, path);
}
