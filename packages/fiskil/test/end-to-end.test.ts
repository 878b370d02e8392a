import { inspect } from "node:util";
import { fiskilErrorTypes } from "@linkwright/testing";
import { describe, expect, test } from "vitest";
import { failure } from "./adapter.ts";
import { faultOf, house, json, key, session } from "./house.ts";

const token = { path: "/v1/token" };

describe("token", () => {
  test.each(["token", "typed", "access_token"] as const)("G46 the answer of shape %s serves", async (tokenShape) => {
    await using it = await house({ simulator: { switches: { tokenShape } } });
    expect((await it.handle.app().fetch("/v1/end-users")).status).toBe(200);
    const [entry] = it.sim.journal.filter(token);
    expect(entry?.json).toEqual({ client_id: key.clientId, client_secret: key.clientSecret });
    expect(entry?.query).toEqual({});
    expect(entry?.headers.authorization).toBeUndefined();
    expect(entry?.headers["content-type"]).toBe("application/json");
  });

  test("G55 it is asked for anew once per 900 seconds, never refreshed", async () => {
    await using it = await house();
    const tokens = new Set<string>();
    for (let lifetime = 0; lifetime < 3; lifetime++) {
      for (let use = 0; use < 3; use++) tokens.add(await it.handle.app().accessToken());
      await it.clock.advance(901_000);
    }
    expect(tokens.size).toBe(3);
    expect(it.sim.journal.count(token)).toBe(3);
    expect(it.sim.journal.filter(token).map(({ json }) => Object.keys(json as object))).toEqual(
      Array(3).fill(["client_id", "client_secret"]),
    );
  });

  test("G41 tokenLifetime counts where the answer names none", async () => {
    await using it = await house({ options: { tokenLifetime: 300 } });
    it.sim.faults.always("rewrite", { rewrite: ({ token }) => ({ token }) });
    await it.handle.app().accessToken();
    await it.clock.advance(301_000);
    await it.handle.app().accessToken();
    expect(it.sim.journal.count(token)).toBe(2);
  });

  test.each([
    ["goa", "unauthorized"],
    ["oauth", "invalid_client"],
  ] as const)(
    "G35 credentials refused in the shape %s are a matter of configuration, and mendable",
    async (tokenErrors, code) => {
      let clientSecret = key.clientSecret;
      await using it = await house({
        options: { clientSecret: () => clientSecret },
        simulator: { switches: { tokenErrors } },
      });
      const connection = await it.connect();
      await it.clock.advance(901_000);
      clientSecret = "canary-wrong-secret";
      const error = await failure(() => connection.fetch("/v1/banking/accounts"));
      expect(error.fault).toEqual({ kind: "configuration" });
      expect(error.details).toMatchObject({ code, status: 401 });
      if (tokenErrors === "goa") expect(error.details.support?.error_id).toMatch(/^err_/);

      clientSecret = key.clientSecret;
      await it.clock.advance(60_000);
      expect((await connection.fetch("/v1/banking/accounts")).status).toBe(200);
      expect((await connection.status()).health).toBe("healthy");
    },
  );

  test("G32 a failing token endpoint is to be tried again, and marks nothing", async () => {
    await using it = await house();
    const connection = await it.connect();
    await it.clock.advance(901_000);
    it.sim.faults.always("status", { status: 503, body: { error: "invalid_client" } });
    expect((await faultOf(() => connection.accessToken())).kind).toBe("retry");
    it.sim.faults.clear();
    await it.clock.advance(60_000);
    expect(await connection.accessToken()).toMatch(/^ey/);
  });

  test("G37 an error at status 200 is no token", async () => {
    await using it = await house();
    it.sim.faults.next("error-in-200", { error: "invalid_client" });
    expect((await faultOf(() => it.handle.app().accessToken())).kind).toBe("configuration");
  });

  test("G54 a token that the API refuses is replaced once, and the request sent once more", async () => {
    await using it = await house();
    const connection = await it.connect();
    it.sim.revokeAccessTokens();
    it.sim.journal.clear();
    expect((await connection.fetch("/v1/banking/accounts")).status).toBe(200);
    expect(it.sim.journal.count(token)).toBe(1);
    expect(it.sim.journal.filter({ path: "/v1/banking/accounts" }).map(({ status }) => status)).toEqual([401, 200]);
  });
});

describe("connecting", () => {
  test("from an end user to their accounts", async () => {
    await using it = await house({ simulator: { switches: { syncEvents: false } } });
    const flow = await it.handle.connect({
      owner: "user_42",
      session,
      endUser: { email: "user@example.com" },
      institutionId: "88888",
    });
    const [[sessionId, opened] = []] = [...it.sim.sessions];
    expect(flow.handle).toBe(sessionId);
    expect(flow.expiresAt).toBe(opened?.expiresAt);
    expect(opened?.redirectUri).toMatch(/^https:\/\/app\.example\/connected\?tenant=a%20b&state=[\w-]{20,}$/);
    expect(opened?.cancelUri).toMatch(/^https:\/\/app\.example\/cancelled\?state=[\w-]{20,}$/);

    const connection = await it.connector.complete(await it.sim.consent(flow.url), { session });
    const [consent] = [...it.sim.consents.values()];
    const [user] = [...it.sim.endUsers.values()];
    expect(user?.email).toBe("user@example.com");
    expect(await connection.status()).toMatchObject({
      health: "healthy",
      account: user?.id,
      bearer: "application",
      scope: { granted: ["accounts", "balances", "transactions"] },
      consentExpiresAt: consent?.expiresAt,
      data: { endUserId: user?.id, arrangementId: consent?.arrangementId, institutionId: "88888", consentId: "" },
    });
    expect(await connection.accessToken()).toBe(await it.handle.app().accessToken());

    const { accounts } = await json(await connection.fetch("/v1/banking/accounts"));
    expect(accounts).toMatchObject([
      { arrangement_id: consent?.arrangementId },
      { arrangement_id: consent?.arrangementId },
    ]);
    expect(it.sim.journal.last({ path: "/v1/banking/accounts" })).toMatchObject({
      query: { end_user_id: user?.id },
      headers: { "x-fiskil-version": "v3" },
    });
    expect(it.sim.journal.count(token)).toBe(1);
  });

  test.each([
    { authUrl: "session" },
    { authUrl: "scheme-less" },
    { sessionExpiryFormat: "rfc3339" },
    { sessionParameter: "sess_id" },
    { pinnedVersion: "v1" },
  ] as const)("where Fiskil's pages disagree: %j", async (switches) => {
    await using it = await house({ simulator: { switches } });
    const connection = await it.connect();
    expect((await connection.status()).health).toBe("healthy");
  });

  test.each(["v1", "v2", "v3"])("by API version %s", async (apiVersion) => {
    await using it = await house({ options: { apiVersion } });
    const connection = await it.connect();
    expect((await connection.status()).health).toBe("healthy");
    expect(it.sim.journal.last({ path: "/v1/consent" })?.headers["x-fiskil-version"]).toBe(apiVersion);
  });

  test("G62 where the state was lost on the way, the session names the flow; once", async () => {
    await using it = await house();
    const flow = await it.handle.connect({ owner: "user_42", session, endUser: {} });
    const callback = new URL(await it.sim.consent(flow.url));
    callback.searchParams.delete("state");
    const connection = await it.connector.complete(callback, { session });
    expect((await connection.status()).health).toBe("healthy");
    expect((await faultOf(() => it.connector.complete(callback, { session }))).kind).toBe("flow");
  });

  test("G61 the callback of another browser proves nothing", async () => {
    await using it = await house();
    const flow = await it.handle.connect({ owner: "user_42", session, endUser: {} });
    const callback = await it.sim.consent(flow.url);
    expect(await faultOf(() => it.connector.complete(callback, { session: "another-browser-0123456789" }))).toEqual({
      kind: "flow",
      reason: "wrong_browser",
    });
  });

  test.each(fiskilErrorTypes)("G63 a refusal: %s", async (decision) => {
    await using it = await house();
    const flow = await it.handle.connect({ owner: "user_42", session, endUser: {} });
    const callback = await it.sim.consent(flow.url, { decision });
    expect(callback).toMatch(/^https:\/\/app\.example\/cancelled\?state=/);
    const error = await failure(() => it.connector.complete(callback, { session }));
    const kinds: Record<string, string> = {
      AUTH_SESSION_CANCELLED: "cancelled",
      CONSENT_ENDUSER_DENIED: "cancelled",
      CONSENT_ENDUSER_INELIGIBLE: "permission",
    };
    expect(error.fault.kind).toBe(kinds[decision] ?? "retry");
    expect(error.details.code).toBe(decision);
    expect(error.details.support?.error_id).toMatch(/^err_/);
    expect(await faultOf(() => it.connector.complete(callback, { session }))).toEqual({ kind: "flow", reason: "used" });
  });

  test("a refusal with three parameters alone", async () => {
    await using it = await house({ simulator: { switches: { cancelParameters: 3 } } });
    const flow = await it.handle.connect({ owner: "user_42", session, endUser: {} });
    const callback = await it.sim.consent(flow.url, { decision: "CONSENT_OTP_FAILURE" });
    const error = await failure(() => it.connector.complete(callback, { session }));
    expect([error.fault.kind, error.details.code, error.details.support]).toEqual([
      "retry",
      "CONSENT_OTP_FAILURE",
      undefined,
    ]);
  });

  test("an institution that is not known is the calling code's to mend", async () => {
    await using it = await house();
    const { id: endUserId } = await it.handle.endUsers.create({});
    const error = await failure(() =>
      it.handle.connect({ owner: "user_42", session, endUserId, institutionId: "none" }),
    );
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.details).toMatchObject({ code: "invalid_institution_id", status: 400 });
  });

  test("an end user that was deleted is gone", async () => {
    await using it = await house();
    const error = await failure(() => it.handle.connect({ owner: "user_42", session, endUserId: "eu_gone" }));
    expect(error.fault.kind).toBe("gone");
    expect(error.details.code).toBe("end_user_not_found");
  });

  test("parameters are checked before anything is sent", async () => {
    await using it = await house();
    const wrong = { owner: "user_42", session, endUserId: "eu_1", endUser: {} };
    const error = await failure(() => it.handle.connect(wrong as never));
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.message).toContain("endUser: creates an end user");
    expect(it.sim.journal.entries).toEqual([]);
  });

  test("creating an end user is not repeated when its answer is lost", async () => {
    await using it = await house();
    it.sim.faults.next("lost-response", { path: "/v1/end-users" });
    expect((await faultOf(() => it.handle.connect({ owner: "user_42", session, endUser: {} }))).kind).toBe("retry");
    expect(it.sim.journal.count({ method: "POST", path: "/v1/end-users" })).toBe(1);
  });

  test("and the end user that was created is named when the session fails", async () => {
    await using it = await house();
    it.sim.faults.next("status", { status: 503, path: "/v1/auth/session" });
    const error = await failure(() => it.handle.connect({ owner: "user_42", session, endUser: {} }));
    const [endUserId] = [...it.sim.endUsers.keys()];
    expect(error.fault.kind).toBe("retry");
    expect(error.message).toContain(`try again with endUserId "${endUserId}"`);
    expect(error.details.support?.end_user_id).toBe(endUserId);
  });
});

test("G39 a consent that is listed after its session's end is found", async () => {
  await using it = await house({ simulator: { switches: { consentListedAfter: 300_000, syncEvents: false } } });
  const flow = await it.handle.connect({ owner: "user_42", session, endUser: {} });
  await it.clock.advance(5 * 86_400_000 - 120_000);
  const connection = await it.connector.complete(await it.sim.consent(flow.url), { session });
  await it.clock.advance(300_000);
  await it.connector.maintain();
  expect((await connection.status()).health).toBe("healthy");
});

describe("a consent that is not listed yet", () => {
  const late = { simulator: { switches: { consentListedAfter: 120_000, syncEvents: false } } };

  test("G39 the connection is pending, and becomes active with the webhook", async () => {
    await using it = await house(late);
    const connection = await it.connect();
    expect((await connection.status()).health).toBe("pending");
    expect((await faultOf(() => connection.fetch("/v1/banking/accounts"))).kind).toBe("retry");
    expect(it.sim.journal.count({ path: "/v1/banking/accounts" })).toBe(0);

    await it.clock.advance(120_000);
    expect(await it.deliver()).toMatchObject([{ event: { type: "consent.received" }, connections: [connection.id] }]);
    const [consent] = [...it.sim.consents.values()];
    expect(await connection.status()).toMatchObject({
      health: "healthy",
      data: { arrangementId: consent?.arrangementId, consentId: consent?.consentId },
    });
  });

  test("G39 or without one, when it is used or looked after", async () => {
    await using it = await house(late);
    const [used, kept] = [await it.connect(), await it.connect()];
    await it.clock.advance(600_000);
    expect((await used.fetch("/v1/banking/accounts")).status).toBe(200);
    await it.connector.maintain();
    expect((await kept.status()).health).toBe("healthy");
  });

  test("G73 disconnecting it revokes what the user consented to meanwhile", async () => {
    await using it = await house(late);
    const connection = await it.connect();
    await it.clock.advance(120_000);
    expect(await connection.disconnect()).toEqual({
      disconnected: true,
      revocations: [{ what: "consent", result: "revoked" }],
    });
    expect([...it.sim.consents.values()].map(({ active }) => active)).toEqual([false]);
  });
});

describe("connecting again", () => {
  test("G59 keeps the id and the end user, and takes the new consent", async () => {
    await using it = await house();
    const connection = await it.connect();
    const before = await connection.status();
    await it.clock.advance(80 * 86_400_000);
    const again = await it.connect({ connection: connection.id });
    expect(again.id).toBe(connection.id);
    const after = await again.status();
    const [, second] = [...it.sim.consents.values()];
    expect(after).toMatchObject({ health: "healthy", account: before.account, consentExpiresAt: second?.expiresAt });
    expect(after.data).toMatchObject({ endUserId: before.account, arrangementId: second?.arrangementId });
  });

  test("G59 renews the arrangement where it is named", async () => {
    await using it = await house({ simulator: { switches: { syncEvents: false } } });
    const connection = await it.connect();
    const { arrangementId = "" } = (await connection.status()).data;
    await it.clock.advance(80 * 86_400_000);
    await it.connect({ connection: connection.id, arrangementId });
    expect([...it.sim.consents.keys()]).toEqual([arrangementId]);
    await it.deliver();
    const consent = it.sim.consents.get(arrangementId);
    expect(await connection.status()).toMatchObject({
      health: "healthy",
      consentExpiresAt: consent?.expiresAt,
      data: { arrangementId, consentId: consent?.consentId },
    });
  });

  test("G59 stays at its institution, unless another is named", async () => {
    await using it = await house();
    const connection = await it.connect({ endUser: {}, institutionId: "88888" });
    const again = async (institutionId?: string) => {
      await it.clock.advance(86_400_000);
      const wish = { connection: connection.id, ...(institutionId !== undefined && { institutionId }) };
      const flow = await it.handle.connect({ owner: "user_42", session, ...wish });
      await it.connector.complete(await it.sim.consent(flow.url, { institution: "4" }), { session });
      return (await connection.status()).data.institutionId;
    };
    expect([await again(), await again("4"), await again()]).toEqual(["88888", "4", "4"]);
  });

  test.each([0, 120_000])(
    "G74 the end of the consent before does not end the new one, listed after %d ms",
    async (lag) => {
      await using it = await house({ simulator: { switches: { syncEvents: false } } });
      const connection = await it.connect();
      await it.deliver();
      const { arrangementId = "" } = (await connection.status()).data;
      await it.clock.advance(1_000_000);
      it.sim.switches.consentListedAfter = lag;
      await it.connect({ connection: connection.id });
      expect((await connection.fetch("/v1/banking/accounts")).status).toBe(200);
      await it.clock.advance(lag);
      await it.deliver();
      it.sim.withdrawConsent(arrangementId);
      await it.deliver();
      const [, second] = [...it.sim.consents.keys()];
      expect(await connection.status()).toMatchObject({ health: "healthy", data: { arrangementId: second } });
    },
  );
});

describe("G10 a connection reaches its own end user alone", () => {
  test("what names another is not sent", async () => {
    await using it = await house();
    const [own, other] = [await it.connect(), await it.connect({ endUser: {}, owner: "user_43" })];
    const theirs = await other.status();
    const { account = "" } = theirs;
    const { arrangementId = "" } = theirs.data;
    it.sim.journal.clear();
    const body = JSON.stringify({ end_user_id: account, redirect_uri: "https://app.example" });
    for (const work of [
      () => own.fetch(`/v1/banking/accounts?end_user_id=${account}`),
      () => own.fetch(`/v1/end-users/${account}`),
      () => own.fetch("/v1/end-users"),
      () => own.fetch(`/v1/consent/${arrangementId}`, { method: "DELETE" }),
      () => own.fetch("/v1/auth/session", { method: "POST", body }),
      () => own.fetch(new Request(`${it.sim.origin}/v1/auth/session`, { method: "POST", body })),
      () => own.fetch("/v1/auth/session", { method: "POST", body: new TextEncoder().encode(body) }),
    ])
      expect(await faultOf(work)).toEqual({ kind: "permission" });
    expect(it.sim.journal.entries).toEqual([]);
    expect(it.sim.consents.get(arrangementId)?.active).toBe(true);
  });

  test("two connections, one token, each its own accounts", async () => {
    await using it = await house();
    const connections = [await it.connect(), await it.connect({ endUser: {}, owner: "user_43" })];
    for (const connection of connections) {
      const { account = "" } = await connection.status();
      const { accounts } = await json(await connection.fetch("/v1/banking/accounts"));
      expect((accounts as { account_id: string }[]).map(({ account_id }) => account_id)).toEqual([
        expect.stringContaining(account),
        expect.stringContaining(account),
      ]);
    }
    expect(it.sim.journal.count(token)).toBe(1);
  });
});

describe("the end of a consent", () => {
  test("without a webhook it is not known before its date, and the application may say so", async () => {
    await using it = await house();
    const connection = await it.connect();
    const { data } = await connection.status();
    it.sim.withdrawConsent(data.arrangementId ?? "");
    await it.clock.advance(30 * 86_400_000);
    await it.connector.maintain();
    expect((await connection.fetch("/v1/banking/accounts")).status).toBe(200);
    expect((await connection.status()).health).toBe("healthy");

    const standing = await it.handle.consents.list({ endUserId: data.endUserId ?? "", active: true });
    expect(standing.map(({ arrangement_id }) => arrangement_id)).toEqual([]);
    await it.connector.markEnded(connection.id, { owner: "user_42" });
    expect(await connection.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
  });

  test("G74 a webhook ends the connection it is about, at once, and no other; the application's token goes on", async () => {
    await using it = await house();
    const [own, other] = [await it.connect(), await it.connect({ endUser: {}, owner: "user_43" })];
    await it.deliver();
    const ended: unknown[] = [];
    it.connector.on("connection.ended", ({ connection, reason }) => ended.push([connection, reason]));
    it.sim.withdrawConsent((await own.status()).data.arrangementId ?? "");
    it.sim.journal.clear();
    await it.deliver();

    expect(ended).toEqual([[own.id, "consent_ended"]]);
    expect(await own.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
    expect(await faultOf(() => own.fetch("/v1/banking/accounts"))).toEqual({
      kind: "reauthorize",
      reason: "consent_ended",
    });
    expect((await other.fetch("/v1/banking/accounts")).status).toBe(200);
    expect((await it.handle.app().fetch("/v1/end-users")).status).toBe(200);
    expect(it.sim.journal.count(token)).toBe(0);
  });

  test("G74 also where the consent's own id was never heard of", async () => {
    await using it = await house({ simulator: { webhookEvents: ["consent.revoked"] } });
    const connection = await it.connect();
    expect((await connection.status()).data.consentId).toBe("");
    it.sim.withdrawConsent((await connection.status()).data.arrangementId ?? "");
    await it.deliver();
    expect(await connection.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
  });

  test("G74 of two consents of one user, the right one ends", async () => {
    await using it = await house();
    const { id: endUserId } = await it.handle.endUsers.create({});
    const first = await it.connect({ endUserId, institutionId: "88888" });
    await it.deliver();
    await it.clock.advance(600_000);
    const second = await it.connect({ endUserId, institutionId: "88888" });
    await it.deliver();
    const [one, two] = [(await first.status()).data.arrangementId, (await second.status()).data.arrangementId];
    expect(new Set([...it.sim.consents.keys()])).toEqual(new Set([one, two]));
    it.sim.withdrawConsent(two ?? "");
    await it.deliver();
    expect([(await first.status()).health, (await second.status()).health]).toEqual(["healthy", "ended"]);
  });

  test("G75 a message counts once, and events arrive in any order", async () => {
    await using it = await house({ simulator: { switches: { syncEvents: false } } });
    const connection = await it.connect();
    it.sim.withdrawConsent((await connection.status()).data.arrangementId ?? "");
    const messages = it.sim.webhooks.sent.toReversed();
    expect(messages.map(({ data }) => data.event)).toEqual(["consent.revoked", "consent.received"]);
    for (const duplicate of [false, true])
      for (const { data, messageId } of messages) {
        const attempt = duplicate ? 2 : 1;
        const receipt = await it.handle.webhook(it.sim.webhooks.request(data, { messageId, attempt }));
        expect(receipt.duplicate).toBe(duplicate);
      }
    expect((await connection.status()).health).toBe("ended");
  });

  test.each(["wrong-key", "tampered", "missing", "copied-sample"] as const)(
    "G75 a message signed as %s does nothing",
    async (signature) => {
      await using it = await house();
      const connection = await it.connect();
      await it.deliver();
      const [consent] = [...it.sim.consents.values()];
      const data = { event: "consent.revoked", end_user_id: consent?.endUserId, consent_id: consent?.consentId };
      const request = it.sim.webhooks.request(data, { signature });
      expect(await faultOf(() => it.handle.webhook(request))).toEqual({ kind: "protocol" });
      expect((await connection.status()).health).toBe("healthy");
    },
  );

  test("G59 it is told of ahead, and noticed without a webhook", async () => {
    await using it = await house();
    const connection = await it.connect();
    const { consentExpiresAt = 0 } = await connection.status();
    await it.clock.advance(84 * 86_400_000);
    expect(await connection.status()).toMatchObject({ health: "expiring", consentExpiresAt });
    const expiring: unknown[] = [];
    it.connector.on("connection.expiring", ({ connection, expiresAt }) => expiring.push([connection, expiresAt]));
    await it.connector.maintain();
    expect(expiring).toEqual([[connection.id, consentExpiresAt]]);
    await it.clock.advance(7 * 86_400_000);
    await it.connector.maintain();
    expect(await connection.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
  });
});

describe("an end user that is deleted", () => {
  test("G74 takes the connection along, as soon as it is asked after", async () => {
    await using it = await house();
    const [own, other] = [await it.connect(), await it.connect({ endUser: {}, owner: "user_43" })];
    await it.handle.endUsers.delete((await own.status()).account ?? "");
    const { data } = await own.status();
    const revoked = { event: "consent.revoked", end_user_id: data.endUserId };
    await it.handle.webhook(it.sim.webhooks.request(revoked));
    expect([(await own.status()).health, (await other.status()).health]).toEqual(["ended", "healthy"]);
  });
});

describe("disconnecting", () => {
  test("G73 revokes the arrangement; the token and other users go on", async () => {
    await using it = await house();
    const [own, other] = [await it.connect(), await it.connect({ endUser: {}, owner: "user_43" })];
    const { arrangementId = "" } = (await own.status()).data;
    const bearer = await own.accessToken();
    expect(await own.disconnect()).toEqual({
      disconnected: true,
      revocations: [{ what: "consent", result: "revoked" }],
    });
    expect(it.sim.journal.last({ method: "DELETE" })?.path).toBe(`/v1/consent/${arrangementId}`);
    expect(it.sim.consents.get(arrangementId)?.active).toBe(false);
    expect((await faultOf(() => own.fetch("/v1/banking/accounts"))).kind).toBe("gone");
    expect(await other.accessToken()).toBe(bearer);
    expect((await other.fetch("/v1/banking/accounts")).status).toBe(200);
  });

  test("G73 revokes every consent that it was connected by and that still stands", async () => {
    await using it = await house();
    const connection = await it.connect();
    await it.deliver();
    const { arrangementId: first } = (await connection.status()).data;
    for (let round = 0; round < 2; round++) {
      await it.clock.advance(86_400_000);
      await it.connect({ connection: connection.id });
    }
    const [, second, third] = [...it.sim.consents.keys()];
    expect((await connection.status()).data).toMatchObject({ arrangementId: third, replaced: `${first} ${second}` });
    it.sim.withdrawConsent(first ?? "");
    expect(await connection.disconnect()).toEqual({
      disconnected: true,
      revocations: [{ what: "consent", result: "revoked" }],
    });
    expect([...it.sim.consents.values()].map(({ active }) => active)).toEqual([false, false, false]);
  });

  test("G73 a 503 means that it lives on; it can be tried again", async () => {
    await using it = await house();
    const connection = await it.connect();
    it.sim.faults.next("status", { status: 503, method: "DELETE", path: /^\/v1\/consent\// });
    expect((await connection.disconnect()).disconnected).toBe(false);
    expect((await faultOf(() => connection.accessToken())).kind).toBe("gone");
    expect(await connection.disconnect()).toEqual({
      disconnected: true,
      revocations: [{ what: "consent", result: "revoked" }],
    });
  });
});

describe("extras", () => {
  test("end users", async () => {
    await using it = await house();
    const { endUsers } = it.handle;
    const { id } = await endUsers.create({ email: "a@b.example", name: "A" });
    await endUsers.create({ email: "other@b.example" });
    await endUsers.update(id, { email: "c@b.example" });
    expect(await endUsers.get(id)).toMatchObject({ id, email: "c@b.example", name: "A" });
    expect((await endUsers.list({ email: "c@b.example" })).map((user) => user.id)).toEqual([id]);
    expect((await endUsers.list()).length).toBe(2);
    await endUsers.delete(id);
    for (const work of [() => endUsers.get(id), () => endUsers.delete(id)]) {
      const error = await failure(work);
      expect(error.fault.kind).toBe("gone");
      expect(error.details).toMatchObject({ code: "end_user_not_found", status: 404 });
      expect(error.details.support?.error_id).toMatch(/^err_/);
    }
  });

  test("an email that Fiskil wants to be unique", async () => {
    await using it = await house({ simulator: { switches: { uniqueEmail: true } } });
    await it.handle.endUsers.create({ email: "a@b.example" });
    const error = await failure(() => it.handle.endUsers.create({ email: "a@b.example" }));
    expect([error.fault.kind, error.details.code]).toEqual(["configuration", "end_user_already_exists"]);
  });

  test.each(["v1", "v3"])("lists of any length by %s", async (apiVersion) => {
    await using it = await house({ options: { apiVersion } });
    const { endUserId } = it.sim.grantConsent();
    for (let count = 1; count < 250; count++) it.sim.grantConsent({ endUserId });
    expect((await it.handle.consents.list({ endUserId })).length).toBe(250);
    expect(it.sim.journal.count({ path: "/v1/consent" })).toBe(apiVersion === "v1" ? 1 : 3);
    expect(it.sim.journal.filter({ path: "/v1/consent" }).map(({ query }) => query.end_user_id)).toEqual(
      Array(apiVersion === "v1" ? 1 : 3).fill(endUserId),
    );
  });

  test("consents, of one kind, and their end", async () => {
    await using it = await house();
    const { endUserId, arrangementId } = it.sim.grantConsent();
    it.sim.grantConsent({ endUserId });
    await it.handle.consents.revoke(arrangementId);
    const ended = await it.handle.consents.list({ endUserId, active: false });
    expect(ended).toMatchObject([{ arrangement_id: arrangementId, active: false, termination_reason: "Revoked" }]);
  });

  test.each([
    { institutionsClientId: "team" },
    { institutionsClientId: "key" },
    { institutionsWrapped: true },
  ] as const)("institutions, where Fiskil's pages disagree: %j", async (switches) => {
    const teamId = switches.institutionsClientId === "key" ? { teamId: undefined } : {};
    await using it = await house({ options: teamId, simulator: { switches } });
    const banks = await it.handle.institutions.list({ industry: "banking" });
    expect(banks.map(({ id, is_accessible }) => [id, is_accessible])).toEqual([
      ["88888", true],
      ["4", false],
    ]);
    expect((await it.handle.institutions.get("88888")).status?.connections?.status).toBe("HEALTHY");
  });

  test("permissions", async () => {
    await using it = await house();
    expect((await it.handle.permissions.list({ industry: "common" })).map(({ name }) => name)).toEqual(["identity"]);
  });

  const product = {
    productId: "saver-1",
    name: "Saver",
    description: "Saves",
    productCategory: "TRANS_AND_SAVINGS_ACCOUNTS",
    brand: "Example",
    isTailored: false,
  };

  test("products of the Platform API", async () => {
    await using it = await house({ options: { clientId: "key_02platform" } });
    const { products } = it.handle;
    await products.create(product);
    await products.update({ ...product, name: "Better saver" });
    expect(await products.list()).toMatchObject([{ productId: "saver-1", name: "Better saver" }]);
    await products.delete("saver-1");
    expect(await products.list()).toEqual([]);
  });

  test("a scope that the key lacks is a permission, in both spellings; the key and its token stay good", async () => {
    await using it = await house();
    const platform = await failure(() => it.handle.products.list());
    expect(platform.fault).toEqual({ kind: "permission" });
    expect(platform.details).toMatchObject({ code: "insufficient_scope", status: 403 });

    await using other = await house({ options: { clientId: "key_02platform" } });
    const data = await failure(() => other.handle.endUsers.list());
    expect(data.fault).toEqual({ kind: "permission" });
    expect(data.details).toMatchObject({ code: "insufficient_scopes", status: 403 });
    expect(other.sim.journal.count(token)).toBe(1);
    expect(await other.handle.products.list()).toEqual([]);
  });

  test("G30 429 says when to try again, with Retry-After and without", async () => {
    await using it = await house();
    it.sim.faults.next("rate-limited", { retryAfter: "7", path: "/v1/permissions" });
    expect(await faultOf(() => it.handle.permissions.list())).toEqual({
      kind: "retry",
      retryAt: it.clock.now() + 7000,
    });
    it.sim.faults.next("rate-limited", { path: "/v1/permissions" });
    expect((await faultOf(() => it.handle.permissions.list())).kind).toBe("retry");
  });

  test("an API version that Fiskil does not know is a matter of configuration", async () => {
    await using it = await house({ options: { apiVersion: "v9" } });
    const error = await failure(() => it.handle.permissions.list());
    expect([error.fault.kind, error.details.code, error.details.status]).toEqual(["configuration", "bad_request", 400]);
  });
});

describe("G70 no secret shows in an error", () => {
  test("whatever Fiskil answers, at the token endpoint and elsewhere", async () => {
    const clientSecret = "canary-client-secret-4f1d";
    const keys = [{ clientId: key.clientId, clientSecret, scopes: ["api:banking", "api:user.read", "api:user.write"] }];
    await using it = await house({ options: { clientSecret }, simulator: { keys } });
    const connection = await it.connect();
    const bearer = await connection.accessToken();
    const shown: string[] = [];
    const show = async (work: () => unknown) => {
      const error = await failure(work);
      shown.push(inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error) + error.stack);
    };
    for (const status of [400, 401, 403, 404, 429, 500]) {
      it.sim.faults.next("echo-secrets", { status, path: "/v1/permissions", times: 2 });
      await show(() => it.handle.permissions.list());
    }
    await it.clock.advance(901_000);
    for (const status of [400, 401, 403, 429, 500]) {
      it.sim.faults.next("echo-secrets", { status });
      await show(() => it.handle.app().accessToken());
      await it.clock.advance(600_000);
    }
    for (const fault of ["malformed", "html"] as const) {
      it.sim.faults.next(fault);
      await show(() => connection.accessToken());
      await it.clock.advance(600_000);
    }
    await show(() => connection.fetch("/v1/end-users/eu_other"));
    await show(() => it.handle.webhook(it.sim.webhooks.request({ event: "x" }, { signature: "wrong-key" })));
    expect(shown.length).toBe(15);
    for (const text of shown)
      for (const secret of [clientSecret, bearer, it.sim.webhookSecret]) expect(text).not.toContain(secret);
  });
});
