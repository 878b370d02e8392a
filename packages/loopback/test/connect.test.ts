import { describe, expect, test } from "vitest";
import { quiet } from "../../testing/test/support/ciphers.ts";
import { bench, canListen, faultOf } from "./bench.ts";
import { rawRequest, requestReceived } from "./request.ts";

describe("the user agrees", () => {
  test("C1 C16 G65 a public app signs in through the browser; the address is left free again", async () => {
    await using it = await bench();
    const { url, connection } = it.signIn({ application: "Books & Co" });
    expect(new URL(await url).searchParams.get("redirect_uri")).toBe(it.redirectUri);
    const callback = await it.simulator.consent(await url);
    expect(callback).toMatch(new RegExp(`^${it.redirectUri}\\?`));
    const page = await fetch(callback);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("<h1>Books &amp; Co is connected</h1>\n<p>You can close this window.</p>");

    const { id, owner, registration } = await connection;
    expect({ owner, registration }).toEqual({ owner: "user_42", registration: "books" });
    const found = await it.connector.connection(id, { owner: "user_42" });
    expect((await found.status()).health).toBe("healthy");
    const [exchange] = it.codeExchanges();
    expect(exchange?.form).toMatchObject({ redirect_uri: it.redirectUri, client_id: "app_02" });
    expect(exchange?.form?.code_verifier).toHaveLength(43);
    expect([await canListen(it.port, "127.0.0.1"), await canListen(it.port, "::1")]).toEqual([true, true]);
  });

  test("C33 C34 the page is kept nowhere, told to nobody, and runs nothing", async () => {
    await using it = await bench();
    const { url, connection } = it.signIn();
    const { headers } = await fetch(await it.simulator.consent(await url));
    await connection;
    expect(headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("C20 a code of 16 KiB, and parameters that nobody knows", async () => {
    await using it = await bench();
    const { url, connection } = it.signIn();
    const code = "c".repeat(16_384);
    const state = new URL(await url).searchParams.get("state");
    const page = await fetch(`${it.redirectUri}?state=${state}&code=${code}&session_state=x&%F0%9F%8C%B1=1`);
    expect(page.status).toBe(400); // the server does not know this code
    expect((await faultOf(connection)).fault.kind).toBe("flow");
    expect(it.codeExchanges()[0]?.form?.code).toBe(code);
  });

  test("G62 the same callback in two tabs is one exchange, and both have the page", async () => {
    await using it = await bench();
    const latch = it.simulator.faults.next("latch");
    const { url, connection } = it.signIn();
    const callback = await it.simulator.consent(await url);
    const first = fetch(callback);
    await latch.arrived;
    const arrived = requestReceived(it.port);
    const second = rawRequest(it.port, { target: callback.slice(callback.indexOf("/callback")) });
    await arrived;
    latch.release();
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
    expect((await connection).owner).toBe("user_42");
    expect(it.codeExchanges()).toHaveLength(1);
  });

  test("G60 two sign-ins after each other are two connections", async () => {
    await using it = await bench();
    const ids: string[] = [];
    for (const user of ["user-1", "user-2"]) {
      const { url, connection } = it.signIn();
      await fetch(await it.simulator.consent(await url, { user }));
      ids.push((await connection).id);
    }
    expect(new Set(ids).size).toBe(2);
  });
});

describe("the user does not agree", () => {
  test("G63 C33 a refusal is cancelled, and its words are shown as words", async () => {
    await using it = await bench();
    const { url, connection } = it.signIn();
    const description = `<img src=x onerror="alert('1')">\r\nSet-Cookie: a=b & more`;
    const page = await fetch(await it.simulator.consent(await url, { decision: "deny", description }));
    const error = await faultOf(connection);
    expect(error.fault).toEqual({ kind: "cancelled" });
    expect(error.details).toMatchObject({ registration: "books", code: "access_denied" });
    expect(page.status).toBe(400);
    expect(page.headers.get("set-cookie")).toBeNull();
    const text = await page.text();
    expect(text).toContain("<h1>Not connected</h1>");
    expect(text).toContain("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;");
    expect(text).not.toContain("<img");
    expect(it.codeExchanges()).toEqual([]);
  });

  test("G63 a refusal that fits no sign-in ends none", async () => {
    await using it = await bench();
    const { url, connection } = it.signIn();
    await url;
    const forged = await rawRequest(it.port, { target: "/callback?error=access_denied&state=x" });
    expect(forged.status).toBe(400);
    await fetch(await it.simulator.consent(await url));
    expect((await connection).owner).toBe("user_42");
  });

  test("a server that fails is told to the user and to the caller", async () => {
    await using it = await bench();
    it.simulator.faults.always("status", { status: 503 });
    const { url, connection } = it.signIn();
    const page = await fetch(await it.simulator.consent(await url));
    expect((await faultOf(connection)).fault.kind).toBe("retry");
    expect(await page.text()).toContain("<h1>Not connected</h1>");
    expect(await canListen(it.port, "127.0.0.1")).toBe(true);
  });
});

describe("nobody comes back", () => {
  test("the time is over: begin again", async () => {
    await using it = await bench();
    const { url, connection } = it.signIn({ timeout: 60_000 });
    await url;
    await it.clock.advance(59_999);
    expect((await rawRequest(it.port, { target: "/" })).status).toBe(404); // still there
    await it.clock.advance(1);
    const error = await faultOf(connection);
    expect(error.fault).toEqual({ kind: "flow", reason: "expired" });
    expect(error.details).toEqual({ registration: "books" });
    expect([await canListen(it.port, "127.0.0.1"), await canListen(it.port, "::1")]).toEqual([true, true]);
  });

  test("G61 no longer than the flow lasts", async () => {
    await using it = await bench();
    const { url, connection } = it.signIn({ timeout: 86_400_000 });
    await url;
    await it.clock.advance(900_000);
    expect((await faultOf(connection)).fault).toEqual({ kind: "flow", reason: "expired" });
  });

  test("the caller's signal ends the waiting", async () => {
    await using it = await bench();
    const abort = new AbortController();
    const { url, connection } = it.signIn({ signal: abort.signal });
    await url;
    abort.abort();
    const error = await faultOf(connection);
    expect(error.fault).toEqual({ kind: "aborted" });
    expect(error.details).toEqual({ registration: "books" });
    expect([await canListen(it.port, "127.0.0.1"), await canListen(it.port, "::1")]).toEqual([true, true]);
  });

  test("a signal that was aborted before: nothing is begun", async () => {
    await using it = await bench();
    let shown = 0;
    const { connection } = it.signIn({ signal: AbortSignal.abort(), onUrl: () => shown++ });
    expect((await faultOf(connection)).fault).toEqual({ kind: "aborted" });
    expect(shown).toBe(0);
    expect(await canListen(it.port, "127.0.0.1")).toBe(true);
  });

  test("a signal while the flow is being begun: nothing is opened", async () => {
    await using it = await bench();
    const abort = new AbortController();
    let shown = 0;
    const { connection } = it.signIn({ signal: abort.signal, onUrl: () => shown++ });
    abort.abort();
    expect((await faultOf(connection)).fault).toEqual({ kind: "aborted" });
    await quiet(20);
    expect(shown).toBe(0);
    expect(await canListen(it.port, "127.0.0.1")).toBe(true);
  });

  test("who has come back is not sent away, by signal or by time: the connection would be nobody's", async () => {
    await using it = await bench();
    const latch = it.simulator.faults.next("latch");
    const abort = new AbortController();
    const { url, connection } = it.signIn({ signal: abort.signal, timeout: 1000 });
    const page = fetch(await it.simulator.consent(await url));
    await latch.arrived;
    abort.abort();
    await it.clock.advance(1000);
    latch.release();
    expect((await connection).owner).toBe("user_42");
    expect((await page).status).toBe(200);
  });

  test.each([0, -1, Number.NaN])("a timeout of %s is refused", async (timeout) => {
    await using it = await bench();
    const error = await faultOf(it.signIn({ timeout }).connection);
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.message).toContain("timeout");
  });

  test("a browser that leaves before it has its page leaves a connection", async () => {
    await using it = await bench();
    const latch = it.simulator.faults.next("latch");
    const { url, connection } = it.signIn();
    const leave = new AbortController();
    const page = fetch(await it.simulator.consent(await url), { signal: leave.signal });
    await latch.arrived;
    leave.abort();
    await expect(page).rejects.toThrow();
    latch.release();
    expect((await connection).owner).toBe("user_42");
  });
});
