import { skewed, virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";

test("a frozen clock stands still, and moves by what it is told", async () => {
  const clock = virtualClock({ start: "2026-03-01T00:00:00Z" });
  expect(clock.now()).toBe(Date.parse("2026-03-01T00:00:00Z"));
  expect(clock.monotonic()).toBe(0);
  await clock.advance(86_400_000);
  expect(clock.now()).toBe(Date.parse("2026-03-02T00:00:00Z"));
  expect(clock.monotonic()).toBe(86_400_000);
});

test("timers fire in order, each at its own time, once", async () => {
  const clock = virtualClock({ start: 0 });
  const fired: [string, number][] = [];
  clock.after(30, () => fired.push(["b", clock.now()]));
  clock.after(10, () => fired.push(["a", clock.now()]));
  clock.after(30, () => fired.push(["c", clock.now()]));
  clock.after(31, () => fired.push(["late", clock.now()]));
  await clock.advance(30);
  expect(fired).toEqual([
    ["a", 10],
    ["b", 30],
    ["c", 30],
  ]);
  await clock.advance(1);
  expect(fired.at(-1)).toEqual(["late", 31]);
  expect(fired).toHaveLength(4);
});

test("a timer that is cancelled does not fire", async () => {
  const clock = virtualClock({ start: 0 });
  let fired = false;
  const cancel = clock.after(10, () => {
    fired = true;
  });
  cancel();
  await clock.advance(100);
  expect(fired).toBe(false);
});

test("work that a timer starts can set timers within the advanced span", async () => {
  const clock = virtualClock({ start: 0 });
  const beats: number[] = [];
  const beat = async () => {
    beats.push(clock.now());
    await Promise.resolve();
    clock.after(1000, () => void beat());
  };
  clock.after(1000, () => void beat());
  await clock.advance(5500);
  expect(beats).toEqual([1000, 2000, 3000, 4000, 5000]);
  expect(clock.now()).toBe(5500);
});

test("advances queue behind each other", async () => {
  const clock = virtualClock({ start: 0 });
  const seen: number[] = [];
  clock.after(5, () => seen.push(clock.now()));
  clock.after(15, () => seen.push(clock.now()));
  await Promise.all([clock.advance(10), clock.advance(10)]);
  expect(seen).toEqual([5, 15]);
  expect(clock.now()).toBe(20);
});

test("time does not move backwards, and dates are dates", () => {
  expect(() => virtualClock().advance(-1)).toThrow(RangeError);
  expect(() => virtualClock().advance(Number.NaN)).toThrow(RangeError);
  expect(() => virtualClock({ start: "soon" })).toThrow(RangeError);
});

test("a running clock flows, fires by itself, and still jumps", async () => {
  const earliest = Date.now() - 1;
  const clock = virtualClock({ running: true });
  const shown = clock.now();
  expect(shown).toBeGreaterThanOrEqual(earliest);
  expect(shown).toBeLessThanOrEqual(Date.now() + 1);
  await new Promise<void>((resolve) => clock.after(5, resolve));
  const before = clock.now();
  let fired = false;
  clock.after(3_600_000, () => {
    fired = true;
  });
  await clock.advance(3_600_000);
  expect(fired).toBe(true);
  expect(clock.now() - before).toBeGreaterThanOrEqual(3_600_000);
});

test("a skewed clock shares timers, not the time of day", async () => {
  const clock = virtualClock({ start: 1000 });
  const wrong = skewed(clock, -8000);
  let at = 0;
  wrong.after(50, () => {
    at = wrong.now();
  });
  await wrong.advance(50);
  expect(at).toBe(1050 - 8000);
  expect(wrong.monotonic()).toBe(clock.monotonic());
});

test("settle is awaited between timers, for work that leaves the thread", async () => {
  let work: Promise<unknown> = Promise.resolve();
  const clock = virtualClock({ start: 0, settle: async () => void (await work) });
  const seen: number[] = [];
  clock.after(10, () => {
    const digest = crypto.subtle.digest("SHA-256", new Uint8Array(8));
    work = digest.then(() => clock.after(10, () => seen.push(clock.now())));
  });
  await clock.advance(100);
  expect(seen).toEqual([20]);
});
