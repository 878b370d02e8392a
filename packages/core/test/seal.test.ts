import {
  allowInsecureLoopback,
  type ConnectorError,
  clientSecretBasic,
  createConnector,
  dangerouslyUnsealed,
  type Keyring,
  type KeyringEntry,
  keyring,
} from "@linkwright/core";
import { base64url, CompactEncrypt, compactDecrypt } from "jose";
import { describe, expect, test, vi } from "vitest";
import { bank, faultOf, key, session } from "./support/house.ts";
import { clientSecret, expectNoSecret, secretsIn, watchedHouse } from "./support/watched.ts";

type Watched = Awaited<ReturnType<typeof watchedHouse>>;
const owner = "user_1";
const fresh = () => crypto.getRandomValues(new Uint8Array(32));

/** Another process with a keyring of its own, and nothing in memory. */
function process(h: Watched, keys: Keyring | readonly KeyringEntry[]) {
  return createConnector({
    providers: {
      bank: bank(h.server, { client: { id: "client", authentication: clientSecretBasic(clientSecret) } }),
    },
    store: h.store,
    concurrency: "one-process",
    keys: "seal" in keys ? keys : keyring(keys),
    clock: h.clock,
    [allowInsecureLoopback]: true,
  });
}

const test256 = { id: "test", key };
const rowOf = async (h: Watched, id: string) => {
  const stored = await h.store.read(`connection:${id}`);
  return {
    ...stored,
    row: JSON.parse(stored?.value ?? "{}") as Record<string, unknown> & { grant: string; generation: number },
  };
};

/** Writes members over a row, as somebody with a hand in the store would. */
async function tamper(h: Watched, id: string, members: Record<string, unknown>) {
  const { row, version = "" } = await rowOf(h, id);
  await h.store.write(`connection:${id}`, JSON.stringify({ ...row, ...members }), {
    ifVersion: version,
    index: { owner },
  });
}

/** That `id` is a `store` fault for everybody, concludes nothing, sends nothing, and leaves the row byte for byte. */
async function expectUntouched(
  h: Watched,
  id: string,
  keys: Parameters<typeof process>[1] = [test256],
): Promise<ConnectorError> {
  const before = await h.store.read(`connection:${id}`);
  const requests = h.server.journal.count();
  let error: ConnectorError | undefined;
  for (const _expired of [false, true]) {
    const connector = process(h, keys);
    const connection = await connector.connection(id, { owner });
    for (const use of [
      connection.accessToken(),
      connection.fetch("/api/me"),
      connection.accessToken({ minValidity: 1 }),
    ]) {
      error = await h.refused(use);
      expect(error.fault).toEqual({ kind: "store" });
      expect(error.message).toContain(`connection:${id}`);
    }
    expect((await connection.status()).health).toBe("healthy");
    await connector.maintain();
    await h.clock.advance(400_000);
  }
  expect(await h.store.read(`connection:${id}`)).toEqual(before);
  expect(h.server.journal.count()).toBe(requests);
  return error as ConnectorError;
}

test("a sealed grant is a plain JWE: any JOSE library reads it", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  const { row } = await rowOf(h, connection.id);
  const { plaintext, protectedHeader } = await compactDecrypt(row.grant, key);
  expect(protectedHeader).toEqual({
    alg: "dir",
    enc: "A256GCM",
    kid: "test",
    bound: JSON.stringify([`connection:${connection.id}`, "grant", 1, row.generation]),
  });
  const grant = JSON.parse(new TextDecoder().decode(plaintext));
  expect(grant).toEqual({ accessToken: await connection.accessToken(), refreshToken: expect.stringMatching(/^rt_/) });
});

test("a grant that any JOSE library sealed is read", async () => {
  await using h = await watchedHouse();
  const { id } = await h.link();
  const { generation } = (await rowOf(h, id)).row;
  const grant = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify({ accessToken: "of-another-hand" })))
    .setProtectedHeader({
      alg: "dir",
      enc: "A256GCM",
      kid: "test",
      bound: JSON.stringify([`connection:${id}`, "grant", 1, generation]),
    })
    .encrypt(key);
  await tamper(h, id, { grant });
  const connection = await process(h, [test256]).connection(id, { owner });
  expect(await connection.accessToken()).toBe("of-another-hand");
});

test("G71 a key as bytes, as a JWK, and from a vault are the same key", async () => {
  await using h = await watchedHouse();
  const { id } = await h.link();
  const expected = await (await process(h, [test256]).connection(id, { owner })).accessToken();
  let asked = 0;
  for (const material of [
    { kty: "oct", k: base64url.encode(key) },
    async () => key,
    async () => {
      asked++;
      return { kty: "oct", k: base64url.encode(key) };
    },
  ]) {
    const connector = process(h, [{ id: "test", key: material }]);
    await connector.ready();
    expect(await (await connector.connection(id, { owner })).accessToken()).toBe(expected);
  }
  expect(asked).toBe(1);
});

test("G71 keys rotate: the newest seals, all of them open", async () => {
  await using h = await watchedHouse();
  const [before, sleeper] = [await h.link(), await h.link()];
  const next = { id: "next", key: fresh() };
  const both = process(h, [next, test256]);
  const after = await h.link(owner, both as unknown as Watched["connector"]);
  const kidOf = async (id: string) =>
    JSON.parse(new TextDecoder().decode(base64url.decode((await rowOf(h, id)).row.grant.split(".")[0] ?? ""))).kid;
  expect(await Promise.all([before, sleeper, after].map(({ id }) => kidOf(id)))).toEqual(["test", "test", "next"]);
  for (const { id } of [before, sleeper, after])
    expect((await (await both.connection(id, { owner })).fetch("/api/me")).status).toBe(200);
  // What is renewed is sealed anew; nothing else has to be.
  await h.clock.advance(301_000);
  await (await both.connection(before.id, { owner })).accessToken();
  expect(await Promise.all([before, sleeper].map(({ id }) => kidOf(id)))).toEqual(["next", "test"]);

  // The old key is taken away too early: the sleeper waits for it, the others do not notice.
  const early = process(h, [next]);
  expect((await (await early.connection(before.id, { owner })).fetch("/api/me")).status).toBe(200);
  const error = await expectUntouched(h, sleeper.id, [next]);
  expect(error.message).toMatch(/key "test".* not in the keyring; put that key back/);
  const healed = await process(h, [next, test256]).connection(sleeper.id, { owner });
  expect((await healed.fetch("/api/me")).status).toBe(200);
});

describe("G72 what was tampered with is a `store` fault, and stays as it is", () => {
  test("a ciphertext moved to another row", async () => {
    await using h = await watchedHouse();
    const [mine, theirs] = [await h.link(), await h.link("user_2")];
    await tamper(h, mine.id, { grant: (await rowOf(h, theirs.id)).row.grant });
    expect((await expectUntouched(h, mine.id)).message).toContain("belongs to another record");
  });

  test("an older ciphertext put into the newer row", async () => {
    await using h = await watchedHouse();
    const connection = await h.link();
    const { grant } = (await rowOf(h, connection.id)).row;
    await h.clock.advance(301_000);
    await connection.accessToken();
    await tamper(h, connection.id, { grant });
    expect((await expectUntouched(h, connection.id)).message).toContain("an older state");
  });

  test("an older row's generation with the newer ciphertext", async () => {
    await using h = await watchedHouse();
    const { id } = await h.link();
    await tamper(h, id, { generation: 7 });
    await expectUntouched(h, id);
  });

  const flipped = (part: number) => (grant: string) =>
    grant
      .split(".")
      .map((text, index) => {
        if (index !== part) return text;
        const bytes = base64url.decode(text);
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
        return base64url.encode(bytes);
      })
      .join(".");
  test.each<[string, (grant: string) => string]>([
    ["one bit flipped in the header", flipped(0)],
    ["one bit flipped in the nonce", flipped(2)],
    ["one bit flipped in the ciphertext", flipped(3)],
    ["one bit flipped in the tag", flipped(4)],
    ["cut off", (grant) => grant.slice(0, -10)],
    ["cut in half", (grant) => grant.slice(0, grant.length / 2)],
    ["emptied", () => ""],
    ["replaced by text", () => "not a JWE"],
    ["unsealed", () => `unsealed:1:${JSON.stringify({ accessToken: "planted-by-an-attacker" })}`],
    ["plain JSON", () => JSON.stringify({ accessToken: "planted-by-an-attacker" })],
  ])("a ciphertext %s", async (_, change) => {
    await using h = await watchedHouse();
    const { id } = await h.link();
    await tamper(h, id, { grant: change((await rowOf(h, id)).row.grant) });
    const error = await expectUntouched(h, id);
    expect(error.message).not.toContain("planted");
  });

  test("sealed with a foreign key under the same id", async () => {
    await using h = await watchedHouse();
    const { id } = await h.link();
    await expectUntouched(h, id, [{ id: "test", key: fresh() }]);
  });

  test("sealed with a weaker algorithm by who knows no key", async () => {
    await using h = await watchedHouse();
    const { id } = await h.link();
    const { row } = await rowOf(h, id);
    const weak = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify({ accessToken: "planted" })))
      .setProtectedHeader({
        alg: "PBES2-HS256+A128KW",
        enc: "A256GCM",
        kid: "test",
        bound: JSON.stringify([`connection:${id}`, "grant", 1, row.generation]),
      })
      .encrypt(new TextEncoder().encode("password"));
    await tamper(h, id, { grant: weak });
    await expectUntouched(h, id);
  });

  test("a row that was taken away its grant", async () => {
    await using h = await watchedHouse();
    const { id } = await h.link();
    await tamper(h, id, { grant: undefined });
    const connection = await process(h, [test256]).connection(id, { owner });
    expect((await h.refused(connection.accessToken())).fault).toEqual({ kind: "store" });
  });
});

test("G72 a sealed row is not read without keys, and unsealed data names itself", async () => {
  await using h = await watchedHouse();
  const { id } = await h.link();
  await expectUntouched(h, id, dangerouslyUnsealed);
  const plain = process(h, dangerouslyUnsealed);
  const flow = await plain.providers.bank.connect({ owner: "user_2", session });
  const connection = await plain.complete(await h.server.consent(flow.url), { session });
  expect((await rowOf(h, connection.id)).row.grant).toMatch(/^unsealed:1:\{"accessToken":"at_/);
});

test("G70 G72 what cannot be parsed is not quoted", async () => {
  await using h = await watchedHouse();
  const plain = process(h, dangerouslyUnsealed);
  const flow = await plain.providers.bank.connect({ owner, session });
  const [item] = (await h.store.list({ prefix: "flow:", limit: 1 })).items;
  const record = JSON.parse(item?.value ?? "{}") as { secrets: string };
  const broken = { ...record, secrets: record.secrets.replace('{"state"', "planted-canary-value") };
  await h.store.write(item?.key ?? "", JSON.stringify(broken), { ifVersion: item?.version ?? "" });
  const error = await h.refused(plain.complete(await h.server.consent(flow.url), { session }));
  expect(error.fault).toEqual({ kind: "store" });
  expect(error.message).not.toContain("planted");

  const { id } = await h.link(owner, plain as unknown as Watched["connector"]);
  await tamper(h, id, { grant: 'unsealed:1:planted-canary-value"}' });
  const connection = await process(h, dangerouslyUnsealed).connection(id, { owner });
  const second = await h.refused(connection.accessToken());
  expect(second.fault).toEqual({ kind: "store" });
  expect(second.message).not.toContain("planted");
});

describe("a flow's secrets", () => {
  const callbackOf = async (h: Watched) => {
    const { url } = await h.connector.providers.bank.connect({ owner, session });
    return h.server.consent(url);
  };
  const flows = async (h: Watched) => (await h.store.list({ prefix: "flow:", limit: 10 })).items;

  test("G71 G72 whose key is missing, or that were tampered with, leave the flow open, and the code unsent", async () => {
    await using h = await watchedHouse();
    const callback = await callbackOf(h);
    const before = await flows(h);
    const error = await h.refused(process(h, [{ id: "other", key: fresh() }]).complete(callback, { session }));
    expect(error.fault).toEqual({ kind: "store" });
    expect(error.message).toContain('key "test"');
    expect(await flows(h)).toEqual(before);
    expect(h.allTokenRequests()).toBe(0);
    await h.connector.complete(callback, { session });
    expect(h.allTokenRequests()).toBe(1);
  });

  test("G72 moved to another flow", async () => {
    await using h = await watchedHouse();
    const callbacks = [await callbackOf(h), await callbackOf(h)];
    const [a, b] = (await flows(h)).map((item) => ({ ...item, flow: JSON.parse(item.value) as { secrets: string } }));
    if (!a || !b) throw new Error("two flows are under way");
    await h.store.write(a.key, JSON.stringify({ ...a.flow, secrets: b.flow.secrets }), { ifVersion: a.version });
    const outcomes = await Promise.allSettled(callbacks.map((callback) => h.connector.complete(callback, { session })));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const rejected = outcomes.find((outcome) => outcome.status === "rejected");
    expect((await h.refused(Promise.reject(rejected?.reason))).fault).toEqual({ kind: "store" });
    expect(h.allTokenRequests()).toBe(1);
  });
});

test("G71 a vault that fails while a grant is to be written is a `store` fault", async () => {
  await using h = await watchedHouse();
  const vault = async () => {
    throw new Error("vault sealed");
  };
  const connector = process(h, [{ id: "vault", key: vault }, test256]);
  const error = await h.refused(connector.providers.bank.connect({ owner, session }));
  expect(error.fault).toEqual({ kind: "store" });
  expect(error.message).toContain('key "vault"');
});

test("G72 a raw dump of the store shows no token, secret, code, verifier, state or session", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  await h.connector.providers.bank.app().accessToken();
  const open = await h.connector.providers.bank.connect({ owner, session });
  await h.clock.advance(301_000);
  await connection.fetch("/api/me");
  h.server.faults.next("lost-response", { grantType: "refresh_token", times: 2 });
  await h.clock.advance(301_000);
  await h.refused(connection.accessToken());
  const { items } = await h.store.list({ prefix: "", limit: 100 });
  expect(items.map(({ key: name }) => name.split(":")[0]).sort()).toEqual([
    "application",
    "connection",
    "flow",
    "flow",
  ]);
  const state = new URL(open.url).searchParams.get("state") ?? "";
  const secrets = [...secretsIn(h.server.journal), state];
  expect(secrets.length).toBeGreaterThan(8);
  for (const item of items) expectNoSecret(item, secrets);
});

test("G70 keys and sealed things print as nothing", () => {
  const material = new TextEncoder().encode("thirty-two-bytes-of-key-material");
  for (const value of [keyring([{ id: "a", key: material }]), dangerouslyUnsealed])
    expectNoSecret(value, ["thirty-two-bytes-of-key-material", base64url.encode(material), material.join(", ")]);
});

test("G08 a key that does not come is given up on, and asked for again", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    let stuck = true;
    const vault = () => (stuck ? new Promise<never>(() => {}) : Promise.resolve(key));
    const { seal } = keyring([{ id: "test", key: vault }]);
    const checked = faultOf(seal.check());
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await checked).toMatchObject({ kind: "configuration", message: expect.stringContaining("within 15 s") });
    stuck = false;
    await seal.check();
  } finally {
    vi.useRealTimers();
  }
});
