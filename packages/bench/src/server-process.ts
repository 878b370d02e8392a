import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { answer } from "./processes.ts";
import type { Counters, ServerMessage, ServerSettings } from "./server.ts";

/**
 * A token endpoint that costs next to nothing, since whatever it costs is added to every contestant alike and makes slow ones
 * look good. Refresh tokens are accepted once each where they rotate, and a second presentation ends the family.
 */

interface Family {
  current: string;
  isOver: boolean;
}

const settings: Required<ServerSettings> = { rotating: true, delay: 0, lifetime: 3600 };
const counters: Counters = { requests: 0, connections: 0, reused: 0, refused: 0 };
const families = new Map<string, Family>();
let minted = 0;

/** About as long as a signed JWT. */
const token = (kind: string, length: number) => `${kind}-${(++minted).toString(36)}-`.padEnd(length, "x");

function begin(): string {
  const refreshToken = token("refresh", 64);
  families.set(refreshToken, { current: refreshToken, isOver: false });
  return refreshToken;
}

function redeem(form: URLSearchParams): { status: number; body: object } {
  const tokens = { access_token: token("access", 1200), token_type: "Bearer", expires_in: settings.lifetime };
  if (form.get("grant_type") === "client_credentials") return { status: 200, body: tokens };
  const presented = form.get("refresh_token") ?? "";
  const family = families.get(presented);
  if (family && !family.isOver && family.current !== presented) {
    counters.reused++;
    family.isOver = true;
  }
  if (!family || family.isOver) {
    counters.refused++;
    return { status: 400, body: { error: "invalid_grant" } };
  }
  if (!settings.rotating) return { status: 200, body: tokens };
  family.current = token("refresh", 64);
  families.set(family.current, family);
  return { status: 200, body: { ...tokens, refresh_token: family.current } };
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  counters.requests++;
  if (settings.delay > 0) await sleep(settings.delay);
  const { status, body } = redeem(new URLSearchParams(text));
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => void serve(request, response));
server.on("connection", () => counters.connections++);
await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, resolve));
const { port } = server.address() as AddressInfo;

answer<ServerMessage>((message) => {
  switch (message.do) {
    case "origin":
      return `http://127.0.0.1:${port}`;
    case "set":
      return void Object.assign(settings, message.settings);
    case "issue":
      return Array.from({ length: message.count }, begin);
    case "read":
      return counters;
  }
});
