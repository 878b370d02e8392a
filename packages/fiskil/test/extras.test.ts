import { describe, expect, test } from "vitest";
import { adapter, type Call, context, failure } from "./adapter.ts";

const { extras } = adapter();

/** What a call sends, as it would stand on the wire. */
const wire = ({ path, method = "GET", query, json }: Call) =>
  JSON.parse(JSON.stringify({ path, method, ...(query && { query }), ...(json !== undefined && { json }) }));

async function calling(work: (of: ReturnType<typeof extras>) => Promise<unknown>, answer?: unknown) {
  const fiskil = context(() => answer);
  const result = await work(extras(fiskil));
  return { result, sent: fiskil.calls.map(wire) };
}

describe("endUsers", () => {
  test("create", async () => {
    const { result, sent } = await calling(({ endUsers }) => endUsers.create({ email: "a@b.example", name: "A" }), {
      end_user_id: "eu_1",
    });
    expect(result).toEqual({ id: "eu_1" });
    expect(sent).toEqual([{ path: "/v1/end-users", method: "POST", json: { email: "a@b.example", name: "A" } }]);
  });

  test.each([
    ["v3", { end_users: [{ id: "eu_1", email: "a@b.example", extra: 1 }], links: {} }],
    ["v1 and v2", [{ id: "eu_1", email: "a@b.example", extra: 1 }]],
  ])("list, in the shape of %s, keeping what is not known here", async (_name, answer) => {
    const { result, sent } = await calling(({ endUsers }) => endUsers.list({ email: "a@b.example" }), answer);
    expect(result).toEqual([{ id: "eu_1", email: "a@b.example", extra: 1 }]);
    expect(sent).toEqual([{ path: "/v1/end-users", method: "GET", query: { email: "a@b.example" } }]);
  });

  test("get, update and delete, with the id as one segment", async () => {
    const { result, sent } = await calling(
      async ({ endUsers }) => [
        await endUsers.get("eu/1"),
        await endUsers.update("eu_1", { email: "b@b.example", sessionId: "ses_1" }),
        await endUsers.delete("eu_1"),
      ],
      { id: "eu/1" },
    );
    expect(result).toEqual([{ id: "eu/1" }, undefined, undefined]);
    expect(sent).toEqual([
      { path: "/v1/end-users/eu%2F1", method: "GET" },
      { path: "/v1/end-users/eu_1", method: "POST", json: { email: "b@b.example", session_id: "ses_1" } },
      { path: "/v1/end-users/eu_1", method: "DELETE" },
    ]);
  });

  test.each(["", ".", ".."])("an id %j leads nowhere", async (id) => {
    const fiskil = context(() => undefined);
    for (const work of [() => extras(fiskil).endUsers.delete(id), () => extras(fiskil).consents.revoke(id)])
      expect((await failure(work)).fault).toEqual({ kind: "configuration" });
    expect(fiskil.calls).toEqual([]);
  });
});

test("consents", async () => {
  const consent = { arrangement_id: "arr_1", active: false, termination_reason: "Expired or Revoked" };
  const { result, sent } = await calling(
    async ({ consents }) => [await consents.list({ endUserId: "eu_1", active: false }), await consents.revoke("arr_1")],
    [consent],
  );
  expect(result).toEqual([[consent], undefined]);
  expect(sent).toEqual([
    { path: "/v1/consent", method: "GET", query: { end_user_id: "eu_1", active: false } },
    { path: "/v1/consent/arr_1", method: "DELETE" },
  ]);
});

describe("institutions", () => {
  const bank = { id: "88888", name: "Bank", is_accessible: true, status: { connections: { status: "HEALTHY" } } };

  test.each([
    ["the client id", undefined, "key_01example"],
    ["the team's id", "team_01", "team_01"],
  ])("are listed for %s", async (_name, teamId, client_id) => {
    const fiskil = context(() => [bank]);
    const { institutions } = adapter({ teamId }).extras(fiskil);
    expect(await institutions.list({ industry: "banking", sessionId: "ses_1" })).toEqual([bank]);
    expect(fiskil.calls.map(wire)).toEqual([
      { path: "/v1/institutions", method: "GET", query: { client_id, industry: "banking", sess_id: "ses_1" } },
    ]);
  });

  test("in a wrapper too, and one by one", async () => {
    const wrapped = await calling(({ institutions }) => institutions.list(), { institutions: [bank] });
    expect(wrapped.result).toEqual([bank]);
    const one = await calling(({ institutions }) => institutions.get("88888"), bank);
    expect(one).toEqual({ result: bank, sent: [{ path: "/v1/institutions/88888", method: "GET" }] });
  });
});

test("permissions", async () => {
  const permission = { name: "accounts", scope: "s", industry: "banking", description: "d", standards: {} };
  const { result, sent } = await calling(({ permissions }) => permissions.list({ industry: "banking" }), [permission]);
  expect(result).toEqual([permission]);
  expect(sent).toEqual([{ path: "/v1/permissions", method: "GET", query: { industry: "banking" } }]);
});

describe("products", () => {
  const product = {
    productId: "p/1",
    name: "Saver",
    description: "Saves",
    productCategory: "TRANS_AND_SAVINGS_ACCOUNTS",
    brand: "b",
    isTailored: false,
  };

  test.each([
    ["an array", [product]],
    ["by name", { products: [product] }],
    ["as the CDR wraps it", { data: { products: [product] }, meta: {} }],
  ])("listed as %s", async (_name, answer) => {
    const { result, sent } = await calling(({ products }) => products.list(), answer);
    expect(result).toEqual([product]);
    expect(sent).toEqual([{ path: "/v1/data-provider/cdr/products", method: "GET" }]);
  });

  test("changed by the assumed routes", async () => {
    const { sent } = await calling(async ({ products }) => {
      await products.create(product);
      await products.update({ ...product, name: "Saver 2" });
      await products.delete("p/1");
    });
    expect(sent).toEqual([
      { path: "/v1/data-provider/cdr/products", method: "POST", json: product },
      { path: "/v1/data-provider/cdr/products/p%2F1", method: "PUT", json: { ...product, name: "Saver 2" } },
      { path: "/v1/data-provider/cdr/products/p%2F1", method: "DELETE" },
    ]);
  });

  test("or by others that are given", async () => {
    const fiskil = context(() => undefined);
    const { products } = adapter({ productRoutes: { update: "PATCH /v2/products/{productId}/draft" } }).extras(fiskil);
    await products.update({ ...product, productId: "p1" });
    await products.delete("p1");
    expect(fiskil.calls.map(wire)).toEqual([
      { path: "/v2/products/p1/draft", method: "PATCH", json: { ...product, productId: "p1" } },
      { path: "/v1/data-provider/cdr/products/p1", method: "DELETE" },
    ]);
  });
});

test("an answer in another shape is told without its values", async () => {
  const fiskil = context(() => ({ id: 7, email: "private@b.example" }));
  const error = await failure(() => extras(fiskil).endUsers.get("eu_1"));
  expect(error.fault).toEqual({ kind: "protocol" });
  expect(error.message).toBe("fiskil: GET /v1/end-users/{id} answered in an undocumented shape at id.");
});
