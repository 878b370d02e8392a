import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, isIP, type LookupFunction } from "node:net";
import { PrivateAddressError, type PublicFetchOptions, publicFetch } from "@linkwright/egress";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { guarded } from "../src/public-fetch.ts";

/** A service inside, on loopback: what nobody from outside may make us reach. */
let service: Server;
let port: number;
let connections = 0;
const requests: { method: string; path: string; host: string; type: string; body: string }[] = [];

beforeAll(async () => {
  service = createServer(async (request, response) => {
    const { method = "", url: path = "", headers } = request;
    requests.push({
      method,
      path,
      host: headers.host ?? "",
      type: headers["content-type"] ?? "",
      body: await read(request),
    });
    if (path.startsWith("/to/")) response.writeHead(302, { location: decodeURIComponent(path.slice(4)) }).end();
    else
      response
        .writeHead(path === "/empty" ? 204 : 200, { "x-answer": "yes" })
        .end(path === "/empty" ? undefined : "inside");
  });
  service.on("connection", () => connections++);
  await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
  port = (service.address() as AddressInfo).port;
});
beforeEach(() => {
  connections = 0;
  requests.length = 0;
});
afterAll(() => {
  service.closeAllConnections();
  return new Promise((resolve) => service.close(resolve));
});

async function read(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const part of request) body += part;
  return body;
}

/** A resolver of our own: each look-up of a name takes the next of its answers, the last one for ever. */
function resolver(names: Readonly<Record<string, readonly (readonly string[])[]>>) {
  const asked: string[] = [];
  const lookup: LookupFunction = (hostname, options, callback) => {
    const answers = names[hostname] ?? [];
    const answer = answers[Math.min(asked.filter((name) => name === hostname).length, answers.length - 1)] ?? [];
    asked.push(hostname);
    const found = answer.map((address) => ({ address, family: isIP(address) }));
    if (found.length === 0) callback(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }), "");
    else if (options.all) callback(null, found);
    else callback(null, found[0]?.address ?? "", found[0]?.family);
  };
  return { lookup, asked };
}

async function cause(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(TypeError);
  return (error as Error).cause;
}

/** The answer of a fetch of its own, whose connections are closed. */
async function fetched(url: string, options: PublicFetchOptions, init?: RequestInit): Promise<Response> {
  const fetch = publicFetch(options);
  try {
    const response = await fetch(url, init);
    const body = response.status === 204 ? null : await response.arrayBuffer();
    const { status, headers, redirected } = response;
    return Object.defineProperties(new Response(body, { status, headers }), {
      url: { value: response.url },
      redirected: { value: redirected },
    });
  } finally {
    await fetch.close();
  }
}

describe("C45 what leads inside is not connected to", () => {
  test.each([
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "2130706433",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "169.254.169.254",
  ])("the address %s", async (host) => {
    const error = await cause(fetched(`http://${host}:${port}/`, {}));
    expect(error).toBeInstanceOf(PrivateAddressError);
    expect(error).toMatchObject({ code: "ERR_PRIVATE_ADDRESS" });
    expect(connections).toBe(0);
  });

  test("a name, as the system resolves it", async () => {
    expect(await cause(fetched(`http://localhost:${port}/`, {}))).toMatchObject({ code: "ERR_PRIVATE_ADDRESS" });
    expect(connections).toBe(0);
  });

  test.each([
    ["loopback", ["127.0.0.1"]],
    ["loopback in IPv6", ["::ffff:127.0.0.1", "::1"]],
    ["a metadata service", ["169.254.169.254"]],
    ["a private network", ["10.0.0.7", "fd00::7"]],
  ])("a public name that resolves to %s", async (_, addresses) => {
    const { lookup } = resolver({ "bank.example": [addresses] });
    const error = await cause(fetched(`http://bank.example:${port}/`, { lookup }));
    expect(error).toMatchObject({ code: "ERR_PRIVATE_ADDRESS", hostname: "bank.example" });
    expect(connections).toBe(0);
  });

  test("a name that turns to loopback between a check and the connection", async () => {
    // Were the name resolved once to be checked and once to connect, the second answer would lead inside.
    const { lookup, asked } = resolver({ "rebind.example": [["93.184.216.34"], ["127.0.0.1"]] });
    const checked = await new Promise((resolve) =>
      lookup("rebind.example", { all: false }, (_error, address) => resolve(address)),
    );
    expect(checked).toBe("93.184.216.34");
    const error = await cause(fetched(`http://rebind.example:${port}/`, { lookup }));
    expect(error).toMatchObject({ code: "ERR_PRIVATE_ADDRESS" });
    expect(asked).toHaveLength(2);
    expect(connections).toBe(0);
  });

  test("a redirect, to an address and to a name", async () => {
    const { lookup } = resolver({ "inside.example": [["127.0.0.1"]], "trusted.example": [["127.0.0.1"]] });
    for (const target of [`http://127.0.0.1:${port}/`, `http://inside.example:${port}/`]) {
      requests.length = 0;
      const options = { lookup, privateHosts: ["trusted.example"] };
      const url = `http://trusted.example:${port}/to/${encodeURIComponent(target)}`;
      expect(await cause(fetched(url, options))).toMatchObject({ code: "ERR_PRIVATE_ADDRESS" });
      expect(requests).toHaveLength(1);
      const seen = await fetched(url, options, { redirect: "manual" });
      expect([seen.status, seen.headers.get("location")]).toEqual([302, target]);
    }
  });

  test("a dispatcher that came with the request is not used", async () => {
    const init = { dispatcher: { dispatch: () => expect.unreachable() } } as RequestInit;
    expect(await cause(fetched(`http://127.0.0.1:${port}/`, {}, init))).toMatchObject({ code: "ERR_PRIVATE_ADDRESS" });
  });
});

describe("C45 of several addresses, the public ones alone are connected to", () => {
  const answers = ["127.0.0.1", "93.184.216.34", "::1", "2606:4700::1111"];
  const resolve = (hostname: string, all: boolean, meant: readonly string[] = []) =>
    new Promise((settle) => {
      const { lookup } = resolver({ "both.example": [answers], "none.example": [[]] });
      guarded(lookup, new Set(meant))(hostname, { all }, (error, address, family) =>
        settle(error ? error.code : [address, family]),
      );
    });

  test("where all are asked for, and where one is", async () => {
    const [, public4, , public6] = answers.map((address) => ({ address, family: isIP(address) }));
    expect(await resolve("both.example", true)).toEqual([[public4, public6], undefined]);
    expect(await resolve("both.example", false)).toEqual(["93.184.216.34", 4]);
    expect(await resolve("both.example", false, ["both.example"])).toEqual(["127.0.0.1", 4]);
  });

  test("a name that is not there stays so", async () => {
    expect(await resolve("none.example", true)).toBe("ENOTFOUND");
    const { lookup } = resolver({});
    expect(await cause(fetched(`http://none.example:${port}/`, { lookup }))).toMatchObject({ code: "ENOTFOUND" });
  });
});

describe("hosts that are meant", () => {
  test.each([
    ["an address", "127.0.0.1", ["127.0.0.1"]],
    ["a name", "inside.example", ["Inside.Example"]],
    ["a name with a dot at its end", "inside.example.", ["inside.example"]],
  ])("are reached: %s", async (_, host, privateHosts) => {
    const { lookup } = resolver({ "inside.example": [["127.0.0.1"]], "inside.example.": [["127.0.0.1"]] });
    const response = await fetched(`http://${host}:${port}/hello`, { lookup, privateHosts });
    expect([response.status, await response.text(), response.headers.get("x-answer")]).toEqual([200, "inside", "yes"]);
  });

  test("are exactly those", async () => {
    const { lookup } = resolver({ "a.inside.example": [["127.0.0.1"]] });
    const options = { lookup, privateHosts: ["inside.example", "127.0.0.2"] };
    for (const host of ["a.inside.example", "127.0.0.1"])
      expect(await cause(fetched(`http://${host}:${port}/`, options))).toMatchObject({ code: "ERR_PRIVATE_ADDRESS" });
  });
});

describe("otherwise it is fetch", () => {
  const options = { privateHosts: ["127.0.0.1"] };

  test("forms, headers and bodies arrive as the platform's own fetch sends them", async () => {
    const form = new FormData();
    form.set("a", "1");
    const bodies: [BodyInit, string | undefined][] = [
      [new URLSearchParams({ grant_type: "refresh_token" }), undefined],
      [JSON.stringify({ a: 1 }), "application/json"],
      [form, undefined],
      [new Blob(["blob"], { type: "text/css" }), undefined],
      [new TextEncoder().encode("bytes"), undefined],
    ];
    for (const [body, type] of bodies) {
      const headers = new Headers(type === undefined ? {} : { "content-type": type });
      requests.length = 0;
      await fetched(`http://127.0.0.1:${port}/`, options, { method: "POST", body, headers });
      await (await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body, headers })).text();
      const [ours, theirs] = requests.map((request) =>
        JSON.stringify(request)
          .replaceAll(/formdata-undici-\d+/g, "boundary")
          .replaceAll(/-{4,}\w+/g, "boundary"),
      );
      expect(ours).toBe(theirs);
    }
  });

  test("the answer is the platform's own Response", async () => {
    const fetch = publicFetch(options);
    const response = await fetch(new URL(`http://127.0.0.1:${port}/to/${encodeURIComponent("/there")}`));
    expect(response).toBeInstanceOf(Response);
    expect([response.status, response.url, response.redirected]).toEqual([200, `http://127.0.0.1:${port}/there`, true]);
    expect(await response.clone().text()).toBe("inside");
    expect(await response.text()).toBe("inside");
    expect((await fetch(`http://127.0.0.1:${port}/empty`)).status).toBe(204);
    await fetch.close();
  });

  test("a signal ends it", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(fetched(`http://127.0.0.1:${port}/`, options, { signal })).rejects.toThrow("enough");
    expect(requests).toEqual([]);
  });
});
