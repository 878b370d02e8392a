import { describe, expect, test } from "vitest";
import { bench } from "./bench.ts";
import { rawRequest } from "./request.ts";

/** What comes to the address and is not the flow's callback: refused, and the flow goes on. */

async function waiting() {
  const it = await bench();
  const { url, connection } = it.signIn();
  const callback = await it.simulator.consent(await url);
  return {
    ...it,
    callback,
    /** The callback, as the target of a request. */
    target: callback.slice(callback.indexOf("/callback")),
    /** Nothing was redeemed so far, and the true callback is as good as before. */
    async stillGood() {
      expect(it.codeExchanges()).toEqual([]);
      expect((await fetch(callback)).status).toBe(200);
      expect((await connection).owner).toBe("user_42");
    },
  };
}

test.each([["/favicon.ico"], ["/"], ["/callback/"], ["/callbac%6B"], ["//evil.example/callback"]])(
  "G61 another path, %s, finds nothing",
  async (path) => {
    await using it = await waiting();
    const answer = await rawRequest(it.port, { target: path + it.target.slice("/callback".length) });
    expect(answer.status).toBe(404);
    await it.stillGood();
  },
);

describe("C16 G65 a name that was made to resolve to this machine", () => {
  test.each([
    ["evil.example"],
    ["evil.example:{port}"],
    ["localhost"],
    ["localhost:1"],
    ["127.0.0.1:{port}"],
    ["[::1]:{port}"],
    ["localhost:{port}.evil.example"],
    [""],
  ])("Host: %s", async (host) => {
    await using it = await waiting();
    const answer = await rawRequest(it.port, { host: host.replace("{port}", String(it.port)), target: it.target });
    expect(answer.status).toBe(421);
    expect(answer.headers["set-cookie"]).toBeUndefined();
    await it.stillGood();
  });

  test("forwarding headers are not read, and the name is compared without case", async () => {
    await using it = await waiting();
    const headers = { "x-forwarded-host": "evil.example", forwarded: "host=evil.example;proto=https" };
    const answer = await rawRequest(it.port, { host: `LocalHost:${it.port}`, headers, target: it.target });
    expect(answer.status).toBe(200);
  });

  test("the target of a request has no say in the address either", async () => {
    await using it = await waiting();
    const answer = await rawRequest(it.port, { target: `https://evil.example${it.target}` });
    expect(answer.status).toBe(404);
    await it.stillGood();
  });
});

test.each(["HEAD", "POST", "PUT", "OPTIONS", "DELETE"])(
  "%s is not how a browser comes back: a preview of the link spends nothing",
  async (method) => {
    await using it = await waiting();
    const answer = await rawRequest(it.port, { method, target: it.target });
    expect([answer.status, answer.headers.allow]).toEqual([405, "GET"]);
    await it.stillGood();
  },
);

describe("G61 a state that is not this flow's", () => {
  test.each([
    ["none", "?code=c"],
    ["no query", ""],
    ["another", "?code=c&state=another"],
    ["an empty one", "?code=c&state="],
    ["this and another", "{query}&state=another"],
    ["in a signed response that is none", "?response=x"],
    ["in a signed response that is empty", "?response="],
    ["in a signed response of nothing", `?response=e30.${btoa("null")}.x`],
    ["in another flow's signed response", `?response=e30.${btoa('{"state":"another"}')}.x`],
  ])("%s", async (_, query) => {
    await using it = await waiting();
    const answer = await rawRequest(it.port, {
      target: `/callback${query.replace("{query}", new URL(it.callback).search)}`,
    });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("not the sign-in that is being waited for");
    await it.stillGood();
  });

  test("G60 the callback of another flow of the same connector, which stays open", async () => {
    await using it = await waiting();
    const session = "session-of-another-browser-0001";
    const other = await it.books.connect({ owner: "user_43", session });
    const otherCallback = await it.simulator.consent(other.url);
    expect((await fetch(otherCallback)).status).toBe(400);
    await it.stillGood();
    expect((await it.connector.complete(otherCallback, { session })).owner).toBe("user_43");
  });
});
