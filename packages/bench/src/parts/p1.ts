import { OAuth2Client as BadgatewayClient, OAuth2Fetch } from "@badgateway/oauth2-client";
import { dangerouslyUnsealed } from "@linkwright/core";
import { OAuth2Client as GoogleClient } from "google-auth-library";
import { AuthorizationCode } from "simple-oauth2";
import { betterAuth, msal } from "../alternatives.ts";
import { accessToken, application, boundlessStore, client, owner, template } from "../application.ts";
import { bytesPerCall, type Contestant, medianOf, race, ratioOf } from "../measure.ts";
import { duration, judged, type Line, type Part } from "../report.ts";
import { startServer } from "../server.ts";

/** P1: a valid token from memory. */
export async function p1(): Promise<Part> {
  const lines: Line[] = [];
  // Asked by msal for its one token, and by nobody afterwards.
  const server = await startServer();
  for (const count of [1, 1_000, 10_000, 100_000]) {
    const floor = asyncFloor(count);
    const own = await linkwright(count);
    const work = `${count.toLocaleString("en")} connection${count === 1 ? "" : "s"}`;
    const isMain = count === 1_000;
    const others = isMain
      ? [syncFloor(count), await linkwrightApplication(), ...(await alternatives(count, server.origin))]
      : [];
    const samples = await race([floor, own, ...others], {
      rounds: count > 10_000 ? 9 : 21,
      turn: 20,
      warmUp: Math.max(2000, count),
    });
    const line = (contestant: Contestant, rest: Partial<Line> = {}): Line => ({
      work,
      contestant: contestant.name,
      measured: duration(medianOf(samples, contestant.name)),
      ...rest,
    });
    const ratio = ratioOf(samples, own.name, floor.name);
    lines.push(line(floor), line(own, judged(ratio, { beside: floor.name, most: 1.25 })));
    if (!isMain) continue;
    for (const other of others) {
      const ahead = ratioOf(samples, own.name, other.name);
      const isRival = other.name.startsWith("google-auth") || other.name.startsWith("@badgateway");
      const beside = "of its time";
      lines.push(line(other, isRival ? judged(ahead, { beside, most: 1 }) : {}));
    }
    for (const contestant of [floor, own, ...others.filter(({ name }) => !/msal|better-auth/.test(name))]) {
      const bytes = await bytesPerCall(contestant);
      lines.push({
        work: "bytes per call",
        contestant: contestant.name,
        measured: `${bytes.toFixed(0)} B`,
        ...(contestant === own && judged(bytes, { most: 300, unit: "B", digits: 0 })),
      });
    }
  }
  await server.end();
  return {
    id: "p1",
    title: "A valid token from memory",
    method:
      "Each call is awaited before the next, over connections in turn. The async floor is a `Map` and an expiry behind one async function; the bare floor is the same without it.",
    lines,
  };
}

interface Held {
  readonly token: string;
  readonly expiresAt: number;
}

function asyncFloor(count: number): Contestant {
  const held = new Map<string, Held>();
  const ids = Array.from({ length: count }, (_, at) => `connection-${at}`);
  for (const id of ids) held.set(id, { token: accessToken(id), expiresAt: Date.now() + 3_600_000 });
  async function get(id: string): Promise<string> {
    const entry = held.get(id);
    if (entry && Date.now() < entry.expiresAt) return entry.token;
    throw new Error("expired");
  }
  return {
    name: "async floor",
    async run(times) {
      for (let turn = 0, at = 0; turn < times; turn++) {
        await get(ids[at] as string);
        if (++at === count) at = 0;
      }
    },
  };
}

function syncFloor(count: number): Contestant {
  const held = new Map<string, Held>();
  const ids = Array.from({ length: count }, (_, at) => `connection-${at}`);
  for (const id of ids) held.set(id, { token: accessToken(id), expiresAt: Date.now() + 3_600_000 });
  return {
    name: "bare floor (not async)",
    run(times) {
      let length = 0;
      for (let turn = 0, at = 0; turn < times; turn++) {
        const entry = held.get(ids[at] as string);
        if (entry && Date.now() < entry.expiresAt) length += entry.token.length;
        if (++at === count) at = 0;
      }
      return length;
    },
  };
}

async function linkwright(count: number): Promise<Contestant> {
  const { record } = await template(dangerouslyUnsealed);
  const text = await record("@@", { accessToken: accessToken("@@"), refreshToken: "refresh-@@" });
  const store = boundlessStore((key) => text.replaceAll("@@", key.slice("connection:".length)));
  const connector = application({ store, keys: dangerouslyUnsealed, cacheSize: 2 * count });
  const handles = await Promise.all(
    Array.from({ length: count }, (_, at) => connector.connection(`connection-${at}`, { owner })),
  );
  return {
    name: "linkwright",
    // Not again within what is measured: a record is looked at anew every 30 s.
    prepare: () => Promise.all(handles.map((handle) => handle.accessToken())),
    async run(times) {
      for (let turn = 0, at = 0; turn < times; turn++) {
        await handles[at]?.accessToken();
        if (++at === count) at = 0;
      }
    },
  };
}

async function linkwrightApplication(): Promise<Contestant> {
  const { record } = await template(dangerouslyUnsealed);
  const text = await record("@@", { accessToken: accessToken("app") });
  const store = boundlessStore(() => text.replace('"kind":"connection"', '"kind":"application"'));
  const app = application({ store, keys: dangerouslyUnsealed }).providers.bank.app();
  return {
    name: "linkwright, the application's own token",
    prepare: () => app.accessToken(),
    async run(times) {
      for (let turn = 0; turn < times; turn++) await app.accessToken();
    },
  };
}

async function alternatives(count: number, server: string): Promise<Contestant[]> {
  const each = <Item>(make: (at: number) => Item) => Array.from({ length: count }, (_, at) => make(at));
  const expiresAt = Date.now() + 3_600_000;

  const google = each((at) => {
    const one = new GoogleClient({ clientId: client.id, clientSecret: client.secret });
    one.setCredentials({ access_token: accessToken(at), refresh_token: `refresh-${at}`, expiry_date: expiresAt });
    return one;
  });
  const badgateway = each((at) => {
    const own = new BadgatewayClient({ server, clientId: client.id, clientSecret: client.secret });
    const token = { accessToken: accessToken(at), refreshToken: `refresh-${at}`, expiresAt };
    return new OAuth2Fetch({
      client: own,
      getNewToken: () => null,
      getStoredToken: () => token,
      scheduleRefresh: false,
    });
  });
  const code = new AuthorizationCode({ client, auth: { tokenHost: server } });
  const simple = each((at) => code.createToken({ access_token: accessToken(at), expires_at: new Date(expiresAt) }));
  const microsoft = await msal(server);
  const auth = await betterAuth(server, count);

  return [
    {
      name: "google-auth-library",
      async run(times) {
        for (let turn = 0, at = 0; turn < times; turn++) {
          await google[at]?.getAccessToken();
          if (++at === count) at = 0;
        }
      },
    },
    {
      name: "@badgateway/oauth2-client",
      async run(times) {
        for (let turn = 0, at = 0; turn < times; turn++) {
          await badgateway[at]?.getAccessToken();
          if (++at === count) at = 0;
        }
      },
    },
    {
      name: "simple-oauth2 (not async, no renewal)",
      run(times) {
        let valid = 0;
        for (let turn = 0, at = 0; turn < times; turn++) {
          if (!simple[at]?.expired(10)) valid++;
          if (++at === count) at = 0;
        }
        return valid;
      },
    },
    {
      name: "@azure/msal-node (one application token)",
      prepare: () => microsoft.cached(),
      async run(times) {
        for (let turn = 0; turn < times; turn++) await microsoft.cached();
      },
    },
    {
      name: "better-auth (in memory)",
      async run(times) {
        for (let turn = 0, at = 0; turn < times; turn++) {
          await auth.accessToken(at);
          if (++at === count) at = 0;
        }
      },
    },
  ];
}
