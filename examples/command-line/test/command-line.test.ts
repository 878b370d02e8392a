import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { bench, flags, run } from "./support/program.ts";

// Several processes each, one after another: they take a while where the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

describe("from login to logout, each a process of its own", () => {
  test("C16 G60 G65 G73 sign in, look, read, let go", async () => {
    await using it = await bench();
    expect(await it.login()).toMatchObject({ code: 0, stdout: "Signed in. Allowed: invoicing:read, contacts:read.\n" });

    const status = await it.books("status").ended;
    expect(status.code).toBe(0);
    expect(status.stdout).toMatch(
      /^health {3}healthy\nallowed {2}invoicing:read, contacts:read\nmissing {2}nothing\ntoken {4}until \d{4}-\d\d-\d\dT[\d:.]+Z\n$/,
    );

    const invoices = await it.books("invoices").ended;
    expect(invoices).toEqual({
      code: 0,
      stdout: "  4819  2026-02-10      150.00  Sent\n  4820  2026-02-10       72.50  Draft\n",
      stderr: "",
    });

    expect(await it.books("logout").ended).toMatchObject({
      code: 0,
      stdout: "refresh_token: revoked\naccess_token: revoked\nSigned out.\n",
    });
    expect(await it.books("status").ended).toMatchObject({
      code: 3,
      stderr: "Not signed in. Run `books login`.\n",
    });
  });

  test("G02 an expired token is renewed once by two processes that need it at once", async () => {
    await using it = await bench();
    await it.login();
    it.simulator.revokeAccessTokens();
    const both = await Promise.all([it.books("invoices").ended, it.books("invoices").ended]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(it.simulator.journal.count({ path: "/oauth/token", grantType: "refresh_token" })).toBe(1);
  });

  test("G33 G59 a grant that was taken back asks for login, which keeps the connection", async () => {
    await using it = await bench();
    await it.login();
    it.simulator.revokeGrants();
    const refused = await it.books("invoices").ended;
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain("Run `books login`.");
    expect((await it.login()).code).toBe(0);
    expect((await it.books("invoices").ended).code).toBe(0);
    expect((await it.books("logout").ended).code).toBe(0);
    expect((await it.books("status").ended).code).toBe(3); // there was one connection, not two
  });
});

describe("the browser", () => {
  test.skipIf(process.platform !== "linux")("C16 the user's own is opened", async () => {
    await using it = await bench();
    const browser = join(it.directory, "browser.sh");
    const script = fileURLToPath(new URL("support/browser.ts", import.meta.url));
    const words = [process.execPath, ...flags, script].map((word) => `'${word}'`).join(" ");
    await writeFile(browser, `#!/bin/sh\nexec ${words} "$1"\n`, { mode: 0o700 });
    const { code, stdout } = await it.books("login", [], { BROWSER: browser }).ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Signed in. Allowed: invoicing:read, contacts:read.\n" });
  });

  test("G63 C22 who unticks a scope is told; who says no is not signed in", async () => {
    await using it = await bench();
    const program = it.books("login", ["--no-browser"]);
    await fetch(await it.simulator.consent(await program.url(), { scopes: ["invoicing:read"] }));
    expect((await program.ended).stdout).toBe("Signed in. Allowed: invoicing:read.\n");
    expect((await it.books("status").ended).stdout).toContain("missing  contacts:read\n");

    const again = it.books("login", ["--no-browser"]);
    const page = await fetch(await it.simulator.consent(await again.url(), { decision: "deny" }));
    expect(await page.text()).toContain("<h1>Not connected</h1>");
    const { code, stderr } = await again.ended;
    expect(code).toBe(1);
    expect(stderr).toContain("The user, or the bank, said no. (access_denied");
    expect((await it.books("invoices").ended).code).toBe(0); // the grant of before stands
  });

  test("a second login is told that the first one waits", async () => {
    await using it = await bench();
    const first = it.books("login", ["--no-browser"]);
    await first.url();
    const second = await it.books("login", ["--no-browser"]).ended;
    expect(second.code).toBe(1);
    expect(second.stderr).toContain("the port is in use, by another sign-in perhaps");
    first.kill("SIGINT");
    expect(await first.ended).toMatchObject({ code: 1, stdout: "" });
  });

  test("Ctrl+C and time end the waiting", async () => {
    await using it = await bench();
    const interrupted = it.books("login", ["--no-browser"]);
    await interrupted.url();
    interrupted.kill("SIGINT");
    expect((await interrupted.ended).stderr).toContain("Aborted by the caller.");
    const late = await it.books("login", ["--no-browser", "--timeout", "0.2"]).ended;
    expect(late.code).toBe(1);
    expect(late.stderr).toContain("Nobody came back from the browser in time.");
  });
});

describe("what is kept", () => {
  test("G72 the key is its user's alone, and nothing that is kept shows a token", async () => {
    await using it = await bench();
    await it.login();
    const key = join(it.directory, "key");
    expect((await stat(key)).mode & 0o777).toBe(0o600);
    expect(Buffer.from(await readFile(key, "utf8"), "base64")).toHaveLength(32);
    const kept = await readdir(it.directory);
    expect(kept.filter((name) => name.startsWith("key"))).toEqual(["key"]);
    const [exchange] = it.simulator.journal.filter({ path: "/oauth/token" });
    await it.books("invoices").ended;
    const token = it.simulator.journal.last({ path: "/v1/invoices" })?.headers.authorization?.split(" ")[1] ?? "";
    expect(token.length).toBeGreaterThan(16);
    for (const name of kept) {
      const text = await readFile(join(it.directory, name), "latin1");
      for (const secret of [token, exchange?.form?.code, exchange?.form?.code_verifier])
        expect(text.includes(secret ?? ""), name).toBe(false);
    }
  });

  test.skipIf(process.platform === "win32")("a key that others can read is refused", async () => {
    await using it = await bench();
    await it.login();
    await chmod(join(it.directory, "key"), 0o640);
    const { code, stderr } = await it.books("status").ended;
    expect(code).toBe(1);
    expect(stderr).toContain("chmod 600");
  });

  test("G21 G71 the key may come from the environment; the wrong one loses nothing", async () => {
    await using it = await bench();
    const BOOKS_KEY = Buffer.alloc(32, 7).toString("base64");
    const program = it.books("login", ["--no-browser"], { BOOKS_KEY });
    await fetch(await it.simulator.consent(await program.url()));
    expect((await program.ended).code).toBe(0);
    expect(await readdir(it.directory)).not.toContain("key");
    const wrong = await it.books("invoices", [], { BOOKS_KEY: Buffer.alloc(32, 8).toString("base64") }).ended;
    expect(wrong.code).toBe(1);
    expect((await it.books("invoices", [], { BOOKS_KEY }).ended).code).toBe(0);
    const short = await it.books("status", [], { BOOKS_KEY: "c2hvcnQ=" }).ended;
    expect(short).toMatchObject({ code: 1, stderr: "BOOKS_KEY holds no key: it must be 32 bytes in base64.\n" });
  });
});

describe("called otherwise", () => {
  test.each([[[]], [["dance"]], [["login", "twice"]], [["status", "--nonsense"]]])(
    "books %j: how to",
    async (words) => {
      const { code, stdout, stderr } = await run(words).ended;
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain("Usage: books COMMAND");
    },
  );

  test("simulate: the other commands find it, and not when it has ended", async () => {
    await using it = await bench();
    const simulator = it.books("simulate");
    await simulator.printed(/simulated at (\S+)\./);
    const login = it.books("login", ["--no-browser"]);
    await fetch(await it.simulator.consent(await login.url()));
    expect((await login.ended).code).toBe(0);
    simulator.kill("SIGINT");
    expect((await simulator.ended).code).toBe(0);
    expect((await it.books("invoices").ended).stderr).toContain("run `books simulate`");
  });
});
