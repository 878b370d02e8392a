import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  simulateAuthorizationServer,
  simulateFiskil,
  simulateFiskl,
  simulateFlinks,
  virtualClock,
} from "@linkwright/testing";
import { redirectUri, type Setting } from "./neighbour.ts";

/**
 * The world that an application under another runtime talks to: the providers, simulated, in this process of Node. What a test
 * does to a simulator is asked for over HTTP. Says where everything is, and ends when its input does.
 */
const clock = virtualClock();
const servers = {
  standard: await simulateAuthorizationServer({ clock, accessTokenLifetime: 300 }),
  flinks: await simulateFlinks({ clock }),
  fiskl: await simulateFiskl({ clock, clients: [{ clientId: "app_02", redirectUris: [`${redirectUri}/fiskl`] }] }),
  fiskil: await simulateFiskil({ clock }),
};

type Ask = Readonly<Record<string, string>>;

const actions: Readonly<Record<string, (ask: Ask) => unknown>> = {
  now: () => clock.now(),
  advance: async ({ milliseconds }) => {
    await clock.advance(Number(milliseconds));
    return clock.now();
  },
  consent: ({ server, url = "", decision }) => {
    const { consent } = servers[server as keyof typeof servers];
    return consent(url, decision === undefined ? {} : { decision: decision as "deny" });
  },
  /** How many requests of one grant came, or to one path. */
  count: ({ server, ...filter }) => servers[server as keyof typeof servers].journal.count(filter),
  reuses: () => servers.standard.counters.reuses,
  revokeGrants: () => servers.standard.revokeGrants(),
  revokeAccessTokens: () => servers.standard.revokeAccessTokens(),
  webhook: async ({ server, data = "", signature = "valid", messageId = "" }) => {
    const { webhooks } = servers[server as "fiskl" | "fiskil"];
    const request = webhooks.request(JSON.parse(data) as Record<string, unknown>, {
      signature: signature as "valid",
      messageId,
    });
    return { headers: Object.fromEntries(request.headers), body: await request.text() };
  },
  /** What the bank tells when the user has ended a consent there. */
  withdraw: ({ arrangementId = "" }) => {
    servers.fiskil.withdrawConsent(arrangementId);
    return servers.fiskil.webhooks.sent.at(-1)?.data;
  },
};

const control = createServer((request, response) => {
  const answer = async () => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { action = "", ...ask } = JSON.parse(body) as Ask;
    const act = actions[action];
    if (!act) throw new TypeError(`no such action: ${action}`);
    return JSON.stringify((await act(ask)) ?? null);
  };
  answer().then(
    (text) => response.end(text),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
await new Promise<void>((resolve) => control.listen(0, "127.0.0.1", resolve));

const setting: Setting = {
  control: `http://127.0.0.1:${(control.address() as AddressInfo).port}/`,
  standard: servers.standard.endpoints,
  flinks: servers.flinks.origin,
  fiskl: { origin: servers.fiskl.origin, ...servers.fiskl.endpoints },
  fiskil: { base: servers.fiskil.endpoints.base, consent: servers.fiskil.endpoints.consent },
  fiskilSecret: servers.fiskil.webhookSecret,
};
console.log(JSON.stringify(setting));

process.stdin.resume().once("end", () => process.exit());
