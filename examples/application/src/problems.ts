import { type ConnectorError, isConnectorError } from "@linkwright/core";
import type { Failed } from "@linkwright/web";
import type { ErrorHandler, NotFoundHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { type Advice, adviceOn, adviceOnStatus } from "./advice.ts";
import type { House } from "./application.ts";
import { type Problem, problemPage, type WayOut } from "./pages/problem.ts";
import { protection } from "./protection.ts";
import type { Session } from "./sessions.ts";

/** Turns whatever went wrong into a page that says what to do. */
export function problemHandler(house: House): ErrorHandler {
  return (error, context) => {
    const session = house.sessions.of(context.req.raw);
    if (isConnectorError(error)) return faultAnswer(house, session, error);
    const refused = error instanceof HTTPException;
    if (!refused) console.error(error);
    return answer(session, adviceOnStatus(refused ? error.status : 500));
  };
}

export const notFoundHandler =
  ({ sessions }: House): NotFoundHandler =>
  (context) =>
    answer(sessions.of(context.req.raw), adviceOnStatus(404));

/** The same for what went wrong with an authorization or a disconnect. */
export function failureAnswer(house: House, session: Session | undefined, failed: Failed): Promise<Response> {
  const { error, status, returnTo } = failed;
  return error ? faultAnswer(house, session, error, returnTo) : answer(session, adviceOnStatus(status));
}

function faultAnswer(house: House, session: Session | undefined, error: ConnectorError, returnTo?: string) {
  const advice = adviceOn(error.fault, house.clock.now());
  return answer(session, advice, { details: detailsOf(error), way: wayOut(error, advice, returnTo), back: returnTo });
}

async function answer(
  session: Session | undefined,
  { title, remedy, status }: Advice,
  more: Omit<Problem, "title" | "remedy"> = {},
): Promise<Response> {
  const page = await problemPage(session, { title, remedy, ...more });
  const headers = { ...protection, "content-type": "text/html; charset=utf-8" };
  return new Response(String(page), { status, headers });
}

/** Who set out from a connection's page finds the way back there. */
function wayOut({ details }: ConnectorError, { offer }: Advice, returnTo: string | undefined): WayOut | undefined {
  const { connection, registration } = details;
  if (registration === undefined || returnTo !== undefined) return undefined;
  if (offer === "reconnect" && connection !== undefined) return { label: "Reconnect", registration, connection };
  return offer === "again" ? { label: "Begin again", registration } : undefined;
}

function detailsOf({ fault, message, details }: ConnectorError): (readonly [string, string])[] {
  const { code, status, support = {}, registration, connection } = details;
  return [
    ["Kind", "reason" in fault ? `${fault.kind} (${fault.reason})` : fault.kind],
    ["Message", message],
    ...Object.entries({ Registration: registration, Connection: connection, Code: code, Status: status, ...support })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, String(value)] as const),
  ];
}
