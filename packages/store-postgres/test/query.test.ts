import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { PostgresClient, PostgresPool } from "../src/index.ts";
import { queryBefore } from "../src/query.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
});

const statement = { text: "SELECT 1" };
const answer = { rows: [{ one: 1 }], rowCount: 1 };

/** A pool whose one connection comes when the test says so. */
function fakePool(query: PostgresClient["query"] = async () => answer) {
  const coming = Promise.withResolvers<PostgresClient>();
  const client = { query: vi.fn(query), on: vi.fn(), off: vi.fn(), release: vi.fn() };
  const pool: PostgresPool = { connect: () => coming.promise };
  return { pool, client, coming };
}

test("G08 a statement has what the wait for its connection left of the time", async () => {
  const { pool, client, coming } = fakePool();
  const result = queryBefore(performance.now() + 1000, pool, statement, [1]);
  await vi.advanceTimersByTimeAsync(300);
  coming.resolve(client);
  expect(await result).toBe(answer);
  expect(client.query.mock.calls).toEqual([[{ text: "SELECT 1", values: [1], query_timeout: 700 }]]);
  expect(client.release.mock.calls).toEqual([[false]]);
  expect(client.off.mock.calls).toEqual(client.on.mock.calls);
  expect(vi.getTimerCount()).toBe(0);
});

test("G08 a connection that comes too late goes back to the pool unused", async () => {
  const { pool, client, coming } = fakePool();
  const result = queryBefore(performance.now() + 1000, pool, statement, []).catch(String);
  await vi.advanceTimersByTimeAsync(1000);
  expect(await result).toBe("Error: timeout exceeded when trying to connect");
  coming.resolve(client);
  await vi.advanceTimersByTimeAsync(0);
  expect(client.query).not.toHaveBeenCalled();
  expect(client.release.mock.calls).toEqual([[]]);
});

test("G17 a failure to connect that comes too late is nobody's", async () => {
  const { pool, coming } = fakePool();
  const result = queryBefore(performance.now() + 1000, pool, statement, []).catch(String);
  await vi.advanceTimersByTimeAsync(1000);
  coming.reject(new Error("refused"));
  expect(await result).toBe("Error: timeout exceeded when trying to connect");
});

test("a connection on which a statement failed is not used again", async () => {
  const { pool, client, coming } = fakePool(() => Promise.reject(new Error("lost")));
  coming.resolve(client);
  await expect(queryBefore(performance.now() + 1000, pool, statement, [])).rejects.toThrow("lost");
  expect(client.release.mock.calls).toEqual([[true]]);
});
