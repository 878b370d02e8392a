import { createServer, type Server } from "node:http";
import { networkInterfaces } from "node:os";
import { describe, expect, expectTypeOf, test } from "vitest";
import { loopbackAddress } from "../src/address.ts";
import { connectThroughLoopback, freeLoopbackPort, type LoopbackRequest } from "../src/index.ts";
import { bench, canListen, faultOf } from "./bench.ts";
import { rawRequest } from "./request.ts";

const ipv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === "::1"));

describe("C16 where it listens", () => {
  test.skipIf(!ipv6)("localhost is both of its addresses, since a browser may take either", async () => {
    await using it = await bench();
    await it.signIn().url;
    expect((await rawRequest(it.port, { target: "/" })).status).toBe(404);
    expect((await rawRequest(it.port, { address: "::1", target: "/" })).status).toBe(404);
  });

  test("on loopback alone", async () => {
    await using it = await bench();
    await it.signIn().url;
    const outside = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter(({ internal, scopeid }) => !internal && !scopeid);
    for (const { address } of outside)
      await expect(rawRequest(it.port, { address, target: "/" })).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(await canListen(it.port, "127.0.0.1")).toBe(false);
  });

  test.each([
    ["http://localhost:8976/callback", ["127.0.0.1", "::1"], "localhost:8976", 8976],
    ["http://127.0.0.1:51004/a/b?c=d", ["127.0.0.1"], "127.0.0.1:51004", 51_004],
    ["http://[::1]:61023/", ["::1"], "[::1]:61023", 61_023],
    ["http://localhost/callback", ["127.0.0.1", "::1"], "localhost", 80],
  ])("%s", (redirectUri, interfaces, host, port) => {
    const { path, origin } = new URL(redirectUri).searchParams.size
      ? { path: "/a/b", origin: "http://127.0.0.1:51004" }
      : { path: new URL(redirectUri).pathname, origin: new URL(redirectUri).origin };
    expect(loopbackAddress(redirectUri, {})).toEqual({ interfaces, host, port, path, origin });
  });

  test.each([
    "https://localhost:8976/callback",
    "https://app.example/callback",
    "http://app.example/callback",
    "http://localhost.evil.example/callback",
    "http://0.0.0.0:8976/callback",
    "http://192.168.0.1:8976/callback",
    "com.example.app:/callback",
    "nonsense",
  ])("%s is not on loopback", async (redirectUri) => {
    const error = await faultOf(Promise.resolve().then(() => loopbackAddress(redirectUri, { registration: "books" })));
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.details).toEqual({ registration: "books" });
    expect(error.message).toContain("register http://localhost:PORT/");
  });

  test("a free port can be listened on", async () => {
    const port = await freeLoopbackPort();
    expect(port).toBeGreaterThan(1023);
  });
});

describe("C16 a port that somebody else has", () => {
  async function squat(port: number, host: string): Promise<Server> {
    const server = createServer((_, response) => response.end("mine"));
    await new Promise<void>((resolve) => server.listen({ port, host }, resolve));
    return server;
  }

  test.each([["127.0.0.1"], ["::1"]].filter(([host]) => ipv6 || host !== "::1"))(
    "on %s would be sent the code: no browser is opened, and the other address is left free",
    async (host = "") => {
      await using it = await bench();
      const squatter = await squat(it.port, host);
      let opened = 0;
      const { connection } = it.signIn({ open: () => opened++, onUrl: () => opened++ });
      const error = await faultOf(connection);
      expect(error.fault).toEqual({ kind: "configuration" });
      expect(error.details).toEqual({ registration: "books", code: "EADDRINUSE" });
      expect(error.message).toBe(
        `Cannot listen on http://localhost:${it.port}: the port is in use, by another sign-in perhaps. Free the port, or register another redirect URI and give the provider that`,
      );
      expect(opened).toBe(0);
      expect(await canListen(it.port, host === "::1" ? "127.0.0.1" : "::1")).toBe(true);
      squatter.close();
    },
  );

  test("by a sign-in that is waiting, which goes on", async () => {
    await using it = await bench();
    const first = it.signIn();
    const url = await first.url;
    expect((await faultOf(it.signIn().connection)).details.code).toBe("EADDRINUSE");
    await fetch(await it.simulator.consent(url));
    expect((await first.connection).owner).toBe("user_42");
  });
});

describe("what opens the browser", () => {
  test("gets the address; the user is shown it too", async () => {
    await using it = await bench();
    const { promise: opened, resolve: open } = Promise.withResolvers<string>();
    const { url, connection } = it.signIn({ open });
    expect(await opened).toBe(await url);
    await fetch(await it.simulator.consent(await opened));
    expect((await connection).owner).toBe("user_42");
  });

  test.each([
    ["rejects", () => Promise.reject(new Error("no browser"))],
    [
      "throws",
      () => {
        throw new Error("no browser");
      },
    ],
    ["never ends", () => new Promise(() => {})],
  ])("where it %s, the user has the address", async (_, open) => {
    await using it = await bench();
    const { url, connection } = it.signIn({ open });
    await fetch(await it.simulator.consent(await url));
    expect((await connection).owner).toBe("user_42");
  });
});

test.each([
  [
    "throws",
    () => {
      throw new Error("no clipboard");
    },
  ],
  ["rejects", async () => Promise.reject(new Error("no clipboard"))],
])("G17 where what shows the address %s, the browser is opened all the same", async (_, onUrl) => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  try {
    await using it = await bench();
    const open = async (url: string) => fetch(await it.simulator.consent(url));
    expect((await it.signIn({ onUrl, open }).connection).owner).toBe("user_42");
    await new Promise(setImmediate);
  } finally {
    process.off("unhandledRejection", note);
  }
  expect(unhandled).toEqual([]);
});

test("where nothing else shows the address, the sign-in ends with what went wrong", async () => {
  await using it = await bench();
  const onUrl = async () => Promise.reject(new Error("no terminal"));
  await expect(it.signIn({ onUrl, open: false }).connection).rejects.toThrow("no terminal");
  expect(await canListen(it.port, "127.0.0.1")).toBe(true);
});

test("the request is the provider's own, without session", () => {
  type Books = Awaited<ReturnType<typeof bench>>["books"];
  expectTypeOf<LoopbackRequest<Books>>().toHaveProperty("owner").toEqualTypeOf<string>();
  expectTypeOf<LoopbackRequest<Books>>().not.toHaveProperty("session");
  expectTypeOf(connectThroughLoopback<Books>)
    .parameter(1)
    .toEqualTypeOf<Books>();
});
