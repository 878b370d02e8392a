import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { virtualClock } from "@linkwright/testing";
import { storeContract } from "@linkwright/testing/store";
import { afterAll, describe, expect, test } from "vitest";
import { jsonFileStore } from "../src/json-file-store.ts";

const directory = await mkdtemp(join(tmpdir(), "linkwright-snippets-"));
afterAll(() => rm(directory, { recursive: true, force: true }));

// #region contract
describe("jsonFileStore keeps the contract", () => {
  const clock = virtualClock();
  let files = 0;
  const cases = storeContract({
    reach: "process",
    open: () => jsonFileStore(join(directory, `${++files}.json`), clock),
    broken: () => jsonFileStore(join(directory, "missing", "store.json"), clock),
    clock,
  });
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});
// #endregion

test("G21 a file that is no JSON fails every call, and is left as it is", async () => {
  const path = join(directory, "damaged.json");
  await writeFile(path, "[{");
  const store = jsonFileStore(path);
  await expect(store.read("key")).rejects.toThrow(SyntaxError);
  await expect(store.write("key", "value", { ifVersion: "absent" })).rejects.toThrow(SyntaxError);
  await writeFile(path, "[]");
  expect(await store.read("key")).toBeUndefined();
});

test("G24 what was written is there for the next process", async () => {
  const path = join(directory, "kept.json");
  const first = jsonFileStore(path);
  const version = await first.write("key", "value", { ifVersion: "absent", index: { owner: "user_42" } });
  await first.close();
  const second = jsonFileStore(path);
  expect(await second.read("key")).toEqual({ value: "value", version });
  expect((await second.list({ prefix: "", owner: "user_42", limit: 10 })).items).toHaveLength(1);
});
