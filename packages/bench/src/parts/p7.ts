import { OAuth2Client as BadgatewayClient, OAuth2Fetch } from "@badgateway/oauth2-client";
import { dangerouslyUnsealed } from "@linkwright/core";
import { OAuth2Client as GoogleClient } from "google-auth-library";
import { accessToken, application, boundlessStore, client, keys, owner, template } from "../application.ts";
import { heapInUse } from "../measure.ts";
import { judged, type Line, type Part } from "../report.ts";

const count = 20_000;
const most = 1000;

/** P7: memory of a connection whose token is in memory. */
export async function p7(): Promise<Part> {
  const contestants: Record<string, () => Promise<unknown>> = {
    "Map of records": mapOfRecords,
    linkwright: () => linkwright(2 * count),
    "linkwright, sealing on": () => linkwright(2 * count, true),
    "@badgateway/oauth2-client": badgateway,
    "google-auth-library": google,
  };
  const bytes = new Map<string, number>();
  for (const [name, make] of Object.entries(contestants)) {
    await retained(make, 1000); // What is loaded and compiled once.
    bytes.set(name, await retained(make, count));
  }
  const floor = bytes.get("Map of records") ?? Number.NaN;
  const work = "per connection";
  const lines: Line[] = [...bytes].map(([contestant, each]) => ({
    work,
    contestant,
    measured: `${each.toFixed(0)} B`,
    ...(contestant.startsWith("linkwright") && judged(each / floor, { beside: "Map of records", most: 1.25 })),
  }));
  const bounded = await retained(() => linkwright(most), count);
  lines.push({
    work: `bounded: ${count.toLocaleString("en")} used, ${most.toLocaleString("en")} kept`,
    contestant: "linkwright",
    measured: `${((bounded * count) / most).toFixed(0)} B per connection kept`,
    ...judged((bounded * count) / most / (bytes.get("linkwright") ?? Number.NaN), {
      beside: "unbounded",
      most: 1.25,
    }),
  });
  return {
    id: "p7",
    title: "Memory per cached connection",
    method: `${count.toLocaleString("en")} connections with access tokens of 1.2 kB, counted as heap in use after collection. Handles are not kept: an application makes one when it needs it. The records of the map hold the two tokens, the expiry, the scope, the owner and the id.`,
    lines,
  };
}

let used = count;

/** Heap that stays in use while what `make` returns is held, by connection. */
async function retained(make: () => Promise<unknown>, connections: number): Promise<number> {
  used = connections;
  const before = await heapInUse();
  const held = await make();
  const after = await heapInUse();
  // Alive until here.
  if (held === undefined) throw new Error("nothing was held");
  return (after - before) / connections;
}

/** As a string that came off the wire: flat, and of its own. */
function text(value: string): string {
  return Buffer.from(value).toString("latin1");
}

async function mapOfRecords(): Promise<unknown> {
  const held = new Map<string, object>();
  for (let at = 0; at < used; at++) {
    const id = text(`connection-${at}`);
    held.set(id, {
      id,
      owner: text(`user-${at}`),
      accessToken: text(accessToken(at)),
      refreshToken: text(`refresh-${at}`.padEnd(64, "x")),
      expiresAt: Date.now() + 3_600_000 + at,
      scope: "read",
    });
  }
  return held;
}

async function linkwright(cacheSize: number, isSealed = false): Promise<unknown> {
  const sealing = isSealed ? keys : dangerouslyUnsealed;
  const { record } = await template(sealing);
  const grant = (id: string) => ({ accessToken: accessToken(id), refreshToken: `refresh-${id}`.padEnd(64, "x") });
  const unsealed = await record("@@", grant("@@"));
  const records = new Map<string, string>();
  const store = boundlessStore((key) => records.get(key) ?? unsealed.replaceAll("@@", key.slice("connection:".length)));
  const connector = application({ store, keys: sealing, cacheSize });
  for (let at = 0; at < used; at++) {
    const id = `connection-${at}`;
    if (isSealed) records.set(`connection:${id}`, await record(id, grant(id)));
    await (await connector.connection(id, { owner })).accessToken();
    records.clear();
  }
  return connector;
}

async function badgateway(): Promise<unknown> {
  const held = new Map<string, OAuth2Fetch>();
  const own = new BadgatewayClient({ server: "http://127.0.0.1:9", clientId: client.id, clientSecret: client.secret });
  for (let at = 0; at < used; at++) {
    const token = {
      accessToken: text(accessToken(at)),
      refreshToken: text(`refresh-${at}`.padEnd(64, "x")),
      expiresAt: Date.now() + 3_600_000,
    };
    const options = { client: own, getNewToken: () => null, getStoredToken: () => token, scheduleRefresh: false };
    const wrapper = new OAuth2Fetch(options);
    await wrapper.getAccessToken();
    held.set(text(`connection-${at}`), wrapper);
  }
  return held;
}

async function google(): Promise<unknown> {
  const held = new Map<string, GoogleClient>();
  for (let at = 0; at < used; at++) {
    const one = new GoogleClient({ clientId: client.id, clientSecret: client.secret });
    one.setCredentials({
      access_token: text(accessToken(at)),
      refresh_token: text(`refresh-${at}`.padEnd(64, "x")),
      expiry_date: Date.now() + 3_600_000,
    });
    held.set(text(`connection-${at}`), one);
  }
  return held;
}
