import { type ChildProcess, spawn } from "node:child_process";
import { get } from "node:http";
import { fileURLToPath } from "node:url";
import { listen } from "@linkwright/testing";
import { afterEach, describe, expect, test } from "vitest";

/** The program as a process of its own, used as somebody would who tests in another language: with HTTP alone. */

const main = fileURLToPath(new URL("../src/program/main.ts", import.meta.url));
const running = new Set<ChildProcess>();
afterEach(async () => {
  for (const child of running) {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }
});

interface Program {
  readonly child: ChildProcess;
  output(): { readonly out: string; readonly err: string };
  /** Resolves with the first output. */
  readonly begun: Promise<void>;
  readonly ended: Promise<number | string>;
}

function program(...args: string[]): Program {
  const quiet = ["--conditions=@linkwright/source", "--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...quiet, main, ...args], { env: { ...process.env, NODE_OPTIONS: "" } });
  running.add(child);
  let [out, err] = ["", ""];
  const begun = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk) => {
      out += chunk;
      if (out.includes("\n")) resolve();
    });
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const ended = new Promise<number | string>((resolve) => {
    child.once("close", (code, signal) => {
      running.delete(child);
      resolve(code ?? signal ?? "");
    });
  });
  return { child, output: () => ({ out, err }), begun, ended };
}

interface Description {
  readonly addresses: Readonly<Record<string, string>>;
  readonly credentials: readonly Readonly<Record<string, string>>[];
  readonly control: string;
}

async function started(...args: string[]) {
  const it = program(...args, "--json");
  await Promise.race([it.begun, it.ended]);
  const described = JSON.parse(it.output().out || JSON.stringify(it.output())) as Description;
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(described.control + path, {
      method,
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? undefined : JSON.parse(text) };
  };
  return { ...it, ...described, call };
}

/** As a browser asks that was led here by a name of somebody else's. */
function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    get(url, { headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
  });
}

const form = (url: string, parameters: Record<string, string>) =>
  fetch(url, { method: "POST", body: new URLSearchParams(parameters) });

describe("the program", () => {
  test("says where the provider is and who the clients are, and ends on SIGTERM and SIGINT", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const it = program("fiskil");
      await it.begun;
      const { out } = it.output();
      expect(out).toMatch(/^fiskil is simulated at http:\/\/127\.0\.0\.1:\d+\n/);
      expect(out).toMatch(/^ {2}token_endpoint {2}http:\/\/127\.0\.0\.1:\d+\/v1\/token$/m);
      expect(out).toContain("client_id key_01example, client_secret s3cr3t-example");
      expect(out).toMatch(/^control: http:\/\/127\.0\.0\.1:\d+\/_control /m);
      it.child.kill(signal);
      expect(await it.ended).toBe(0);
      expect(it.output().err).toBe("");
    }
  });

  test("is told what it cannot do in words, with an exit code", async () => {
    const refused = async (...args: string[]) => {
      const it = program(...args);
      const code = await it.ended;
      return `${code} ${it.output().err.trim()}`;
    };
    expect(await refused("starling")).toBe(
      '2 There is no provider "starling". There are fiskil, fiskl, flinks, oauth.',
    );
    expect(await refused()).toBe("2 Which provider? One of fiskil, fiskl, flinks, oauth.");
    expect(await refused("oauth", "--port", "high")).toBe("2 --port high is no port: give a number from 0 to 65535.");
    expect(await refused("oauth", "--prot", "1")).toMatch(/^2 Unknown option '--prot'.* See --help\.$/);
    expect(await refused("oauth", "--start", "soon")).toBe("2 --start soon is no date.");
    expect(await refused("fiskl", "--redirect-uri", "http://app.example/")).toBe(
      "1 Fiskl registers https: and http://localhost alone, not http://app.example/",
    );
    const taken = await listen((_request, response) => response.end());
    expect(await refused("oauth", "--port", String(taken.port))).toBe(
      `1 Port ${taken.port} is taken. Choose another, or leave it out for a free one.`,
    );
    await taken.close();
  });

  test("helps", async () => {
    const it = program("--help");
    expect(await it.ended).toBe(0);
    expect(it.output().out).toMatch(/^Usage: linkwright-simulate <provider> \[options\]/);
    for (const name of ["fiskil", "fiskl", "flinks", "oauth", "--port", "--redirect-uri", "--still"])
      expect(it.output().out).toContain(name);
  });

  test("every provider begins, with its hosts where they were asked for", async () => {
    const fiskl = await started("fiskl");
    const { api = "", web_app = "", issuer } = fiskl.addresses;
    expect(web_app).toBe(issuer);
    expect(new Set([api, web_app]).size).toBe(2);
    expect(fiskl.credentials).toContainEqual({ api_key: "fsk_test_000000000001" });
    const other = program("fiskl", "--other-port", new URL(web_app).port);
    expect([await other.ended, other.output().err]).toEqual([
      1,
      `Port ${new URL(web_app).port} is taken. Choose another, or leave it out for a free one.\n`,
    ]);
    const flinks = await started("flinks", "--redirect-uri", "http://localhost:9/back");
    expect(flinks.credentials[0]).toEqual({
      client_id: "dc-demo0001",
      client_secret: "s3cr3t",
      redirect_uris: "http://localhost:9/back",
    });
    const fiskil = await started("fiskil", "--webhook-url", "http://127.0.0.1:9/hook");
    expect((await fetch(`${fiskil.addresses.base}/v1/end-users`)).status).toBe(401);
  });
});

describe("the control desk", () => {
  test("a whole life from outside: consent, tokens, the clock, a fault, and the journal of it", async () => {
    const { addresses, credentials, call } = await started("oauth", "--still", "--start", "2026-01-31T00:00:00Z");
    const { token_endpoint: endpoint = "" } = addresses;
    const { client_id = "", client_secret = "", redirect_uris = "" } = credentials[0] ?? {};
    const client = { client_id, client_secret };
    const page = `${addresses.authorization_endpoint}?${new URLSearchParams({ response_type: "code", client_id, redirect_uri: redirect_uris, scope: "read write", state: "s" })}`;
    const { body: consent } = await call("POST", "/consent", { url: page, scopes: ["read"], user: "user-2" });
    const code = new URL(consent.callback).searchParams.get("code") ?? "";
    const exchange = { ...client, grant_type: "authorization_code", code, redirect_uri: redirect_uris };
    const tokens = (await (await form(endpoint, exchange)).json()) as Record<string, string>;
    expect(tokens).toMatchObject({ scope: "read", expires_in: 3600 });
    const me = () => fetch(addresses.resource ?? "", { headers: { authorization: `Bearer ${tokens.access_token}` } });
    expect(await (await me()).json()).toMatchObject({ sub: "user-2" });

    expect((await call("GET", "/clock")).body).toEqual({ now: 1769817600000, iso: "2026-01-31T00:00:00.000Z" });
    expect((await call("POST", "/clock/advance", { milliseconds: 3_600_000 })).body.iso).toBe(
      "2026-01-31T01:00:00.000Z",
    );
    expect((await me()).status).toBe(401);

    const armed = await call("POST", "/faults", { name: "status", status: 503, times: 2, grantType: "refresh_token" });
    expect(armed).toEqual({ status: 201, body: { id: "1", name: "status", when: "next", used: 0 } });
    const refresh = () =>
      form(endpoint, { ...client, grant_type: "refresh_token", refresh_token: tokens.refresh_token ?? "" });
    expect([(await refresh()).status, (await refresh()).status, (await refresh()).status]).toEqual([503, 503, 200]);
    expect((await call("GET", "/faults")).body.faults).toEqual([{ id: "1", name: "status", when: "next", used: 2 }]);

    const { body } = await call("GET", "/journal?method=POST&grantType=refresh_token");
    expect(body.entries.map(({ status, faults }: { status: number; faults: string[] }) => [status, faults])).toEqual([
      [503, ["status"]],
      [503, ["status"]],
      [200, []],
    ]);
    expect((await call("DELETE", "/journal")).status).toBe(204);
    expect((await call("GET", "/journal")).body.entries).toEqual([]);
  });

  test("grants and access tokens are taken back, switches are set", async () => {
    const { addresses, call } = await started("oauth");
    const client = { client_id: "client", client_secret: "secret" };
    const token = async () => {
      const answer = await form(addresses.token_endpoint ?? "", { ...client, grant_type: "client_credentials" });
      return (await answer.json()) as { access_token: string; expires_in: number };
    };
    const { access_token } = await token();
    const me = () => fetch(addresses.resource ?? "", { headers: { authorization: `Bearer ${access_token}` } });
    expect((await me()).status).toBe(200);
    expect((await call("POST", "/revoke-access-tokens", {})).status).toBe(204);
    expect((await me()).status).toBe(401);
    expect((await call("POST", "/revoke-grants", { subject: "user-1" })).status).toBe(204);
    const { body } = await call("PATCH", "/switches", { accessTokenLifetime: 60 });
    expect(body.accessTokenLifetime).toBe(60);
    expect((await token()).expires_in).toBe(60);
    expect((await call("PATCH", "/switches", { acessTokenLifetime: 60 })).body.message).toMatch(
      /^"acessTokenLifetime" is not known; there are accessTokenLifetime, /,
    );
    const fiskil = await started("fiskil");
    expect((await fiskil.call("POST", "/revoke-grants", {})).body.message).toBe("fiskil has no grants of users'.");
  });

  test("faults: a latch holds and lets go, an answer is changed, what is wrong is said", async () => {
    const { addresses, call } = await started("oauth");
    const ask = () =>
      form(addresses.token_endpoint ?? "", {
        client_id: "client",
        client_secret: "secret",
        grant_type: "client_credentials",
      });
    const { body: latch } = await call("POST", "/faults", { name: "latch" });
    const answer = ask();
    await expect.poll(async () => (await call("GET", "/faults")).body.faults[0].held).toBe(true);
    expect((await call("POST", `/faults/${latch.id}/release`, {})).status).toBe(200);
    expect((await answer).status).toBe(200);

    const merge = { access_token: null, token: "t", nested: { a: 1 } };
    const { body: rewrite } = await call("POST", "/faults", { name: "rewrite", when: "always", merge });
    const changed = (await (await ask()).json()) as object;
    expect(changed).toMatchObject({ token: "t", nested: { a: 1 } });
    expect(changed).not.toHaveProperty("access_token");
    expect((await call("DELETE", `/faults/${rewrite.id}`)).body).toMatchObject({ used: 1 });
    expect(await (await ask()).json()).toHaveProperty("access_token");
    await call("POST", "/faults", { name: "html", when: "always", pathPattern: "^/tok" });
    expect((await ask()).status).toBe(502);
    expect((await call("DELETE", "/faults")).status).toBe(204);
    expect((await ask()).status).toBe(200);

    const wrong = async (body: unknown, path = "/faults") => (await call("POST", path, body)).body.message;
    expect(await wrong({ name: "fire" })).toMatch(/^name must be one of lost-response, refused-before, /);
    expect(await wrong({ name: "delay" })).toBe("delay needs ms.");
    expect(await wrong({ name: "status", status: 500, when: "later" })).toBe('when must be "next" or "always".');
    expect(await wrong({ name: "malformed", ms: 1 })).toMatch(/^"ms" is not known; there are name, when, times/);
    expect(await wrong({ name: "html", pathPattern: "(" })).toBe("pathPattern is no regular expression.");
    expect(await wrong({}, "/faults/9/release")).toBe("No fault is armed as 9.");
    expect(await wrong({ milliseconds: -1 }, "/clock/advance")).toMatch(/^milliseconds must be a number/);
    expect(await wrong({ url: "https://example.com/" }, "/consent")).toBe(
      "url leads elsewhere than to this simulator.",
    );
    expect(await wrong([])).toBe("The body is not a JSON object.");
  });

  test("it stays out of the journal and of faults, and is not steered by a page in a browser", async () => {
    const { control, call } = await started("oauth");
    await call("POST", "/faults", { name: "status", status: 500, when: "always", pathPattern: "." });
    expect((await call("GET", "/journal")).body.entries).toEqual([]);
    const { body } = await call("GET", "");
    expect(body).toMatchObject({ provider: "oauth", switches: { accessTokenLifetime: 3600 } });
    expect(body.routes).toContain("POST /_control/clock/advance");
    expect(body.faults).toContain("lost-response");
    const page = await call("POST", "/clock/advance", { milliseconds: 1 }, { origin: "https://evil.example" });
    expect([page.status, page.body.message]).toEqual([403, "The simulator is not steered from pages in a browser."]);
    const rebound = await statusFor(`${control}/clock`, "evil.example");
    expect(rebound).toBe(403);
    const plain = await fetch(`${control}/clock/advance`, { method: "POST", body: '{"milliseconds":1}' });
    expect(plain.status).toBe(415);
    expect((await call("GET", "/nothing")).body.message).toContain("GET /_control lists what is");
    expect((await call("GET", "/journal?user=1")).body.message).toContain("not by user");
  });
});
