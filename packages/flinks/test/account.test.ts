import { expect, test } from "vitest";
import { bench, faultOf } from "./bench.ts";

/** Two people whom two banks call by one number. */
const person = { customerId: "100234", name: { first: "A", last: "B" }, email: [], accounts: [] };
const simulator = { users: { anna: person, bert: person } };

test("G67 a sub is one account at its bank alone, also where an account belongs to one owner", async () => {
  await using it = await bench({ simulator, oneOwnerPerAccount: ["flinks"] });
  const anna = await it.connect({ owner: "anna", user: "anna" });
  const bert = await it.connect({ owner: "bert", user: "bert", providerId: 1001 });
  expect([(await anna.status()).account, (await bert.status()).account]).toEqual(["1000:100234", "1001:100234"]);
  const error = await faultOf(it.connect({ owner: "mallory", user: "anna" }));
  expect(error.fault).toEqual({ kind: "flow", reason: "account" });
});

test("G59 connecting again at the same bank keeps the connection, at another bank makes one of its own", async () => {
  await using it = await bench({ simulator });
  const { id: connection } = await it.connect({ user: "anna" });
  expect((await it.connect({ user: "anna", connection })).id).toBe(connection);
  const other = await it.connect({ user: "bert", providerId: 1001, connection });
  expect(other.id).not.toBe(connection);
  const first = await it.connector.connection(connection, { owner: "user_42" });
  expect(await first.status()).toMatchObject({ account: "1000:100234", data: { providerId: "1000" } });
  expect(await other.status()).toMatchObject({ account: "1001:100234", data: { providerId: "1001" } });
});

test("G59 a grant that is taken to another system is connected again there", async () => {
  await using it = await bench({ simulator });
  const { id } = await it.connect({ user: "anna" });
  const exported = await it.connector.dangerouslyExportGrant(id, { owner: "user_42" });
  expect(exported).toMatchObject({ account: "1000:100234", data: { providerId: "1000" } });
  const imported = await it.flinks.import(exported);
  const untold = await it.flinks.import({ owner: "user_42", refreshToken: exported.refreshToken });
  for (const { id: connection } of [imported, untold]) {
    const again = await it.connect({ user: "anna", connection });
    expect(again.id).toBe(connection);
    expect(await again.status()).toMatchObject({ account: "1000:100234", data: { providerId: "1000" } });
  }
});
