import type { IncomingMessage, RequestListener } from "node:http";
import { finished } from "node:stream";
import { type Connection, type Flow, isConnectorError } from "@linkwright/core";
import type { LoopbackAddress } from "./address.ts";
import { type Page, pageHeaders, renderPage } from "./page.ts";

/** Receives the browser for one flow. */
export interface Reception {
  readonly listener: RequestListener;
  /** Whether the flow's callback has come: from then on its outcome decides, and is near. */
  readonly received: () => boolean;
}

export interface ReceptionOptions {
  readonly address: LoopbackAddress;
  readonly flow: Flow;
  /** The application's name, for the page. */
  readonly application: string | undefined;
  readonly complete: (url: string) => Promise<Connection>;
  /** Called when the browser has its page; more often where it asks more often. */
  readonly settle: (outcome: Promise<Connection>) => void;
}

/**
 * Answers what comes to the address: the flow's callback once, its repetition with the same page, and everything else (an
 * icon, the callback of another flow, a request that some page made the browser send) with a refusal that changes nothing.
 */
export function createReception({ address, flow, application, complete, settle }: ReceptionOptions): Reception {
  let outcome: Promise<Connection> | undefined;
  return {
    received: () => outcome !== undefined,
    listener(request, response) {
      const send = ({ status, ...page }: Page) => {
        response.writeHead(status, status === 405 ? { ...pageHeaders, allow: "GET" } : pageHeaders);
        response.end(renderPage({ status, ...page }));
      };
      const refused = refusal(request, address, flow);
      if (refused) return send(refused);
      // Rebuilt from the registration: the request decides its query and nothing else.
      outcome ??= complete(`${address.origin}${address.path}?${queryOf(request)}`);
      const decided = outcome;
      // When the page is out, or the browser gone: what follows may end the process.
      finished(response, () => settle(decided));
      void decided.then(() => connected(application), failed).then(send);
    },
  };
}

/** The answer to what is not the flow's callback. */
function refusal(request: IncomingMessage, address: LoopbackAddress, flow: Flow): Page | undefined {
  // A page of a foreign name that was made to resolve to this machine comes with its own name.
  if (request.headers.host?.toLowerCase() !== address.host)
    return nothing(421, "This address answers under its registered name alone.");
  const target = request.url ?? "";
  if (target.split("?", 1)[0] !== address.path) return nothing(404, "There is nothing at this address.");
  if (request.method !== "GET") return nothing(405, "This address is to be opened by a browser.");
  if (!isOf(flow, new URLSearchParams(queryOf(request))))
    return nothing(400, "This is not the sign-in that is being waited for. Go back to the page that was opened last.");
  return undefined;
}

/** Whether a callback is the flow's: by its state, plain or in a signed response, else by the hosted session's handle. */
function isOf({ state, handle }: Flow, parameters: URLSearchParams): boolean {
  const states = parameters.getAll("state");
  if (states.length > 0) return states.every((one) => one === state);
  if (stateWithin(parameters.get("response")) === state) return true;
  return handle !== undefined && [...parameters.values()].includes(handle);
}

/** `state` as a signed response has it (JARM), read without a look at the signature: `complete` verifies. */
function stateWithin(response: string | null): unknown {
  try {
    return JSON.parse(Buffer.from(response?.split(".")[1] ?? "", "base64url").toString()).state;
  } catch {
    return undefined;
  }
}

function queryOf({ url = "" }: IncomingMessage): string {
  const start = url.indexOf("?");
  return start < 0 ? "" : url.slice(start + 1);
}

const nothing = (status: number, message: string): Page => ({ status, title: "Nothing to see here", message });

const connected = (application: string | undefined): Page => ({
  status: 200,
  title: application === undefined ? "Connected" : `${application} is connected`,
  message: "You can close this window.",
});

function failed(error: unknown): Page {
  const message = isConnectorError(error) ? error.message : "Something went wrong.";
  return { status: 400, title: "Not connected", message: `${message} You can close this window.` };
}
