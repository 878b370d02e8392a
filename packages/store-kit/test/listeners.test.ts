import { expect, test } from "vitest";
import { Listeners } from "../src/index.ts";

test("G07 the listeners of a name are called, whatever one of them throws, and no others", () => {
  const listeners = new Listeners();
  const heard: string[] = [];
  listeners.add("a", () => {
    heard.push("a");
    throw new Error("a listener that fails");
  });
  listeners.add("a", () => heard.push("a too"));
  listeners.add("b", () => heard.push("b"));
  listeners.call("a");
  expect(heard).toEqual(["a", "a too"]);
  listeners.call("c");
  listeners.callAll();
  expect(heard).toEqual(["a", "a too", "a", "a too", "b"]);
});

test("one function that listens twice is stopped once at a time", () => {
  const listeners = new Listeners();
  let heard = 0;
  const listener = () => heard++;
  const stops = [listeners.add("a", listener), listeners.add("a", listener)];
  stops[0]?.();
  stops[0]?.();
  listeners.call("a");
  expect([heard, listeners.has("a"), listeners.size]).toEqual([1, true, 1]);
  stops[1]?.();
  listeners.call("a");
  expect([heard, listeners.has("a"), listeners.size]).toEqual([1, false, 0]);
  const stop = listeners.add("a", listener);
  stops[1]?.();
  listeners.call("a");
  expect(heard).toBe(2);
  stop();
});

test("G07 a listener that was stopped by another one before its turn is not called, nor any after a clear", () => {
  for (const end of [(stop: () => void) => stop(), (_: () => void, all: Listeners) => all.clear()]) {
    const listeners = new Listeners();
    let heard = 0;
    listeners.add("a", () => end(stop, listeners));
    const stop = listeners.add("a", () => heard++);
    listeners.call("a");
    listeners.callAll();
    expect(heard).toBe(0);
  }
});
