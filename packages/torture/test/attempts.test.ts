import { listen } from "@linkwright/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { attemptHeader, counted, workerHeader } from "../src/attempts.ts";
import type { FromWorker } from "../src/messages.ts";

test("a process says of each request which one it is, and tells when it waits no longer", async () => {
  const seen: unknown[] = [];
  const arrived = Promise.withResolvers<void>();
  const server = await listen((request, response) => {
    seen.push([request.url, request.headers[workerHeader], request.headers[attemptHeader], request.headers.accept]);
    if (request.url === "/stalls") return arrived.resolve();
    response.end("answered");
  });
  onTestFinished(() => server.close());
  const told: FromWorker[] = [];
  const fetch = counted("2.1", (message) => told.push(message));

  const headers = { accept: "text/x" };
  const answer = await fetch(`${server.origin}/`, { headers, signal: new AbortController().signal });
  expect(await answer.text()).toBe("answered");
  expect(told).toEqual([]);

  vi.useFakeTimers({ toFake: ["Date"], now: 10_000 });
  onTestFinished(() => void vi.useRealTimers());
  const waiting = new AbortController();
  const stalled = fetch(`${server.origin}/stalls`, { headers, signal: waiting.signal });
  await arrived.promise;
  vi.setSystemTime(11_500);
  waiting.abort(new Error("enough"));
  await expect(stalled).rejects.toThrow("enough");

  expect(seen).toEqual([
    ["/", "2.1", "1", "text/x"],
    ["/stalls", "2.1", "2", "text/x"],
  ]);
  expect(told).toEqual([{ say: "gave_up", attempt: 2, at: 11_500, waited: 1500 }]);
});
