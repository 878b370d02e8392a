import { readFileSync } from "node:fs";
import { ConnectorError, type Fault } from "@linkwright/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FailureCode, type Outcome, statusOf } from "../src/index.ts";
import { booksSecret, house, onwardOf, origin } from "./support/house.ts";

test("C34 every answer is private, is framed by nobody, and loads nothing", async () => {
  await using h = await house();
  const browser = h.browser("ada");
  const departure = await browser.submit("/linkwright/start/books");
  const arrival = await browser.open(await h.books.consent(await onwardOf(departure.clone())));
  const [connection] = await h.connectionsOf("ada");
  const answers: Record<string, Response> = {
    departure,
    arrival,
    list: await browser.open("/linkwright/connections"),
    relay: await h.browser("ada").open("/linkwright/callback/books?state=x"),
    unknown: await browser.open("/linkwright/callback/books?state=x"),
    disconnected: await browser.submit(`/linkwright/disconnect/${connection?.id}`),
    gone: await browser.submit(`/linkwright/disconnect/${connection?.id}`),
    "signed out": await h.browser().open("/linkwright/connections"),
    "cross site": await browser.submit("/linkwright/start/books", {}, { from: "cross-site" }),
    nowhere: await browser.open("/elsewhere"),
    webhook: await browser.submit("/linkwright/webhook/books"),
  };
  const statuses = Object.values(answers).map(({ status }) => status);
  expect(statuses).toEqual([200, 303, 200, 200, 400, 303, 404, 401, 403, 404, 400]);
  for (const [name, { headers }] of Object.entries(answers)) {
    const seen = Object.fromEntries(headers);
    expect(seen, name).toMatchObject({
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "cross-origin-resource-policy": "same-origin",
    });
    const script =
      name === "relay"
        ? /^default-src 'none'; script-src 'sha256-[\w+/]{43}='; form-action 'self'; /
        : /^default-src 'none'; form-action 'none'; /;
    expect(seen["content-security-policy"], name).toMatch(script);
    expect(seen["content-security-policy"], name).toMatch(/; base-uri 'none'; frame-ancestors 'none'$/);
  }
});

test("a departure is a page and no redirect, so that no form-action of the application's has to name a bank", async () => {
  await using h = await house();
  const departure = await h.browser("ada").submit("/linkwright/start/books");
  expect([departure.status, departure.headers.get("location")]).toEqual([200, null]);
  const page = await departure.text();
  const [, refresh] = /<meta http-equiv="refresh" content="0;url=([^"]*)">/.exec(page) ?? [];
  const [, href] = /id="onward" href="([^"]*)"/.exec(page) ?? [];
  expect(refresh).toBe(href);
  expect(href).toContain("&#38;state=");
  expect(page).not.toContain("<script");
});

test("a provider whose page has no address of the web's sends nobody there", async () => {
  await using h = await house({ start: {} });
  const { books } = h.connector.providers as unknown as { books: { connect: () => Promise<object> } };
  for (const url of ["javascript:alert(1)", "data:text/html,x", "//evil.example", "intent://x", ""]) {
    books.connect = async () => ({ url, state: "s", redirectUri: "", expiresAt: 0 });
    const answer = await h.browser("ada").submit("/linkwright/start/books");
    expect(answer.status).toBe(502);
    expect(await answer.text()).not.toContain("javascript:");
  }
});

describe("C33 what a provider says of an error is text", () => {
  const failing = async (description: string) => {
    await using h = await house();
    const browser = h.browser("ada");
    const url = await onwardOf(await browser.submit("/linkwright/start/books"));
    const denied = new URL(await h.books.consent(url, { decision: "deny" }));
    denied.searchParams.set("error_description", description);
    const answer = await browser.open(denied.href);
    return { status: answer.status, page: await answer.text(), headers: answer.headers };
  };

  test("markup is shown, not read", async () => {
    const { status, page } = await failing(`<script>alert(1)</script>"'><img src=x onerror=alert(1)>&lt;`);
    expect(status).toBe(403);
    expect(page).toContain("&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#62;&#60;img src=x");
    expect(page).toContain("&#38;lt;");
    expect(page).not.toMatch(/<script|<img/);
  });

  test("neither its length nor its line breaks reach the answer", async () => {
    const { page, headers } = await failing(`a\r\nset-cookie: x=y\u001b[31m\u202e${"z".repeat(100_000)}`);
    expect(page.length).toBeLessThan(2000);
    for (const character of ["\u001b", "\u202e"]) expect(page).not.toContain(character);
    expect(headers.getSetCookie().join()).not.toContain("x=y");
  });

  test("whatever a callback carries, the answer is one of ours, and nothing of it is markup", async () => {
    await using h = await house();
    const browser = h.browser("ada");
    await browser.submit("/linkwright/start/books", { returnTo: "/a" });
    const name = fc.oneof(
      fc.constantFrom("state", "code", "error", "error_description", "iss", "session_id", "linkwright-relayed"),
      fc.string(),
    );
    const value = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constant("<script>alert(1)</script>"),
      fc.constant("\r\nx: y"),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 8 }), fc.boolean(), async (pairs, post) => {
        const parameters = new URLSearchParams(pairs);
        const path = "/linkwright/callback/books";
        const answer = post ? await browser.submit(path, parameters) : await browser.open(`${path}?${parameters}`);
        expect(answer.status).toBe(400);
        expect(await answer.text()).not.toMatch(/<script|<img/);
      }),
      { numRuns: 300 },
    );
    expect(h.errors).toEqual([]);
  });
});

test("what is too large, of another kind, or broken is refused before anything is done", async () => {
  await using h = await house();
  const send = async (body: BodyInit, type: string, path = "start/books") => {
    const headers = { cookie: "session=ada", origin, "content-type": type };
    const init = { method: "POST", headers, body, duplex: "half" };
    return (await h.handlers.handler(new Request(`${origin}/linkwright/${path}`, init as RequestInit))).status;
  };
  const form = "application/x-www-form-urlencoded";
  expect(await send("a=".padEnd(64 * 1024 + 1, "b"), form)).toBe(413);
  expect(await send("a=".padEnd(64 * 1024 + 1, "b"), form, "callback/books")).toBe(413);
  expect(await send("a=".padEnd(64 * 1024 + 1, "b"), form, "disconnect/any")).toBe(413);
  expect(await send("<a/>", "application/xml")).toBe(415);
  expect(await send("a=b", "multipart/form-data; boundary=x")).toBe(415);
  for (const broken of ["{", "[]", "1", "null", '{"a":{"b":1}}', '{"a":[{}]}'])
    expect(await send(broken, "application/json")).toBe(400);
  expect(h.books.journal.count()).toBe(0);
  expect((await h.store.list({ prefix: "", limit: 10 })).items).toEqual([]);
  expect(await send('{"returnTo":"/a","n":1,"list":["x",true],"none":null}', "Application/JSON; charset=utf-8")).toBe(
    200,
  );
});

describe("statuses", () => {
  const faults: readonly [Fault, number][] = [
    [{ kind: "reauthorize", reason: "revoked" }, 409],
    [{ kind: "retry", retryAt: 9e12 }, 503],
    [{ kind: "configuration" }, 500],
    [{ kind: "permission" }, 403],
    [{ kind: "flow", reason: "issuer" }, 400],
    [{ kind: "gone", reason: "unknown" }, 404],
    [{ kind: "protocol" }, 502],
    [{ kind: "store" }, 503],
    [{ kind: "cancelled" }, 403],
    [{ kind: "aborted" }, 503],
  ];

  test.each(faults)(
    "%j is answered %i, as a page and as JSON; the operator's affair is not told",
    async (fault, status) => {
      await using h = await house();
      const message = `canary of <${fault.kind}>`;
      h.connector.connection = () => Promise.reject(new ConnectorError(fault, message));
      const browser = h.browser("ada");
      const page = await browser.submit("/linkwright/disconnect/1");
      expect(page.status).toBe(status);
      const request = new Request(`${origin}/linkwright/disconnect/1`, {
        method: "POST",
        headers: { cookie: "session=ada", origin },
      });
      const answer = await h.handlers.handler(request);
      const { error } = (await answer.json()) as { error: object };
      expect(answer.status).toBe(status);
      expect(error).toMatchObject({ code: fault.kind, ...("reason" in fault && { reason: fault.reason }) });
      const operators = ["configuration", "protocol", "store"].includes(fault.kind);
      expect((await page.text()).includes(`canary of &#60;${fault.kind}&#62;`)).toBe(!operators);
      expect(JSON.stringify(error).includes(message)).toBe(!operators);
      expect(h.errors).toHaveLength(operators ? 2 : 0);
      expect(Number(answer.headers.get("retry-after"))).toBe(fault.kind === "retry" ? 3600 : 0);
    },
  );

  test("the table of the documentation says the same", () => {
    const text = readFileSync(new URL("../../../docs/web.md", import.meta.url), "utf8");
    const table = new Map(
      [...text.matchAll(/^\| `(\w+)` \| (\d{3}) \|/gm)].map(([, code, status]) => [code, Number(status)]),
    );
    const codes: readonly FailureCode[] = [
      ...faults.map(([{ kind }]) => kind),
      "signed_out",
      "cross_site",
      "not_found",
      "method",
      "too_large",
      "unsupported_type",
      "bad_request",
      "internal",
    ];
    expect([...table.keys()].toSorted()).toEqual([...codes].toSorted());
    for (const code of codes) expect([code, table.get(code)]).toEqual([code, statusOf(code)]);
  });
});

describe("where the browser goes next is the application's to say", () => {
  test("for each outcome, by a path or a response of its own", async () => {
    const outcomes: Outcome[] = [];
    await using h = await house({
      next: async (outcome) => {
        outcomes.push(outcome);
        if (outcome.outcome === "failed")
          return new Response(`own page ${outcome.code}`, {
            status: outcome.status,
            headers: { "referrer-policy": "origin" },
          });
        return outcome.outcome === "connected" ? `/linked/${outcome.connection.registration}` : undefined;
      },
    });
    const browser = h.browser("ada");
    const denied = await onwardOf(await browser.submit("/linkwright/start/books", { returnTo: "/a" }));
    const failure = await browser.open(await h.books.consent(denied, { decision: "deny" }));
    expect([failure.status, await failure.text()]).toEqual([403, "own page cancelled"]);
    expect(failure.headers.get("cache-control")).toBe("no-store");
    expect(failure.headers.get("referrer-policy")).toBe("origin");
    const url = await onwardOf(await browser.submit("/linkwright/start/books", { returnTo: "/a" }));
    expect((await browser.open(await h.books.consent(url))).headers.get("location")).toBe(`${origin}/linked/books`);
    const [connection] = await h.connectionsOf("ada");
    const end = await browser.submit(`/linkwright/disconnect/${connection?.id}`, { returnTo: "/b" });
    expect(end.headers.get("location")).toBe(`${origin}/b`);
    expect(await (await h.browser().submit("/linkwright/start/books")).text()).toBe("own page signed_out");

    expect(outcomes).toEqual([
      {
        outcome: "failed",
        during: "callback",
        code: "cancelled",
        status: 403,
        error: expect.any(ConnectorError),
        owner: "ada",
        returnTo: "/a",
      },
      {
        outcome: "connected",
        owner: "ada",
        connection: expect.objectContaining({ id: connection?.id }),
        returnTo: "/a",
      },
      {
        outcome: "disconnected",
        owner: "ada",
        connection: connection?.id,
        registration: "books",
        report: { disconnected: true, revocations: expect.any(Array) },
        returnTo: "/b",
      },
      {
        outcome: "failed",
        during: "start",
        code: "signed_out",
        status: 401,
        error: undefined,
        owner: undefined,
        returnTo: undefined,
      },
    ]);
  });

  test("where it fails itself, what happened is answered all the same", async () => {
    await using h = await house({ next: () => Promise.reject(new Error("no template")) });
    const answer = await h.browser().open("/linkwright/connections");
    expect(answer.status).toBe(401);
    expect(h.errors).toEqual([new Error("no template")]);
  });
});

describe("G70 what is shown of connections", () => {
  test("is their owner's, and holds no token and no secret", async () => {
    await using h = await house();
    const browser = h.browser("ada");
    const secrets = new Set([booksSecret, "s3cr3t-of-flinks", "s3cr3t-example"]);
    const links = [
      ["books", {}, h.books.consent],
      ["flinks", { bank: "1000" }, h.flinks.consent],
      ["fiskil", {}, h.fiskil.consent],
    ] as const;
    const texts: string[] = [];
    for (const [registration, form, consent] of links) {
      const departure = await browser.submit(`/linkwright/start/${registration}`, form);
      const callback = await consent(await onwardOf(departure));
      const code = new URL(callback).searchParams.get("code");
      if (code) secrets.add(code);
      const answer = await browser.open(callback, { headers: { accept: "application/json" } });
      texts.push(await answer.text());
    }
    for (const connection of await h.connectionsOf("ada")) secrets.add(await connection.accessToken());
    for (const { body } of [...h.books.journal.filter({}), ...h.flinks.journal.filter({})])
      for (const [, token = ""] of (body ?? "").matchAll(/(?:refresh_token|code_verifier)=([^&]+)/g))
        secrets.add(token);
    for (const { id } of await h.connectionsOf("ada")) {
      const { accessToken, refreshToken } = await h.connector.dangerouslyExportGrant(id, { owner: "ada" });
      for (const token of [accessToken, refreshToken]) if (token) secrets.add(token.reveal());
    }

    const list = await browser.open("/linkwright/connections");
    const text = await list.text();
    texts.push(text);
    const { connections } = JSON.parse(text) as { connections: Record<string, unknown>[] };
    expect(connections.map(({ registration }) => registration).toSorted()).toEqual(["books", "fiskil", "flinks"]);
    const shown = [
      "id",
      "registration",
      "health",
      "reason",
      "since",
      "account",
      "scope",
      "consentExpiresAt",
      "renewedAt",
      "retryAt",
    ];
    for (const connection of connections)
      expect(Object.keys(connection).filter((name) => !shown.includes(name))).toEqual([]);
    const [ended] = await h.connectionsOf("ada");
    texts.push(
      await (await browser.submit(`/linkwright/disconnect/${ended?.id}`, {}, { headers: { accept: "*/*" } })).text(),
    );

    expect(secrets.size).toBeGreaterThan(6);
    for (const secret of secrets) for (const one of texts) expect(one).not.toContain(secret);
    expect(await (await h.browser("ben").open("/linkwright/connections")).json()).toEqual({ connections: [] });
  });

  test("says why one does not work, since when, and what scope is missing", async () => {
    await using h = await house();
    const browser = h.browser("ada");
    const url = await onwardOf(await browser.submit("/linkwright/start/books"));
    await browser.open(await h.books.consent(url, { scopes: ["invoicing:read"] }));
    const list = async () =>
      ((await (await browser.open("/linkwright/connections")).json()) as { connections: object[] }).connections;
    expect(await list()).toMatchObject([{ health: "healthy", scope: { missing: ["contacts:read"] } }]);
    const [connection] = await h.connectionsOf("ada");
    await h.connector.markEnded(connection?.id ?? "", { owner: "ada", reason: "revoked" });
    expect(await list()).toMatchObject([{ health: "ended", reason: "revoked", since: expect.any(Number) }]);
  });
});

describe("G73 disconnecting", () => {
  test("another owner's connection is not found, and lives", async () => {
    await using h = await house();
    const ada = h.browser("ada");
    await ada.open(await h.books.consent(await onwardOf(await ada.submit("/linkwright/start/books"))));
    const [connection] = await h.connectionsOf("ada");
    const answer = await h.browser("ben").submit(`/linkwright/disconnect/${connection?.id}`);
    expect(answer.status).toBe(404);
    expect((await connection?.status())?.health).toBe("healthy");
    expect(h.books.journal.count({ path: "/oauth/revoke" })).toBe(0);
  });

  test("lists what was revoked and what failed, and can be tried again", async () => {
    await using h = await house();
    const ada = h.browser("ada");
    await ada.open(await h.books.consent(await onwardOf(await ada.submit("/linkwright/start/books"))));
    const [connection] = await h.connectionsOf("ada");
    const post = async () => {
      const headers = { cookie: "session=ada", origin };
      const answer = await h.handlers.handler(
        new Request(`${origin}/linkwright/disconnect/${connection?.id}`, { method: "POST", headers }),
      );
      return [answer.status, await answer.json()];
    };
    h.books.faults.next("status", { status: 503, path: "/oauth/revoke" });
    expect(await post()).toEqual([
      202,
      {
        disconnected: false,
        revocations: [
          { what: "refresh_token", result: "failed" },
          { what: "access_token", result: "revoked" },
        ],
      },
    ]);
    expect(await post()).toMatchObject([200, { disconnected: true }]);
    expect((await post())[0]).toBe(404);
  });
});
