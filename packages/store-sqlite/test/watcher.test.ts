import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Sight, Watcher } from "../src/watcher.ts";

/** A file of which the test says what others wrote to it. */
function file() {
  const versions = new Map<string, string>();
  let commits = 0;
  const seen = { looks: 0, versions: 0 };
  const sight: Sight = {
    changes() {
      seen.looks++;
      return commits;
    },
    versionOf(key) {
      seen.versions++;
      return versions.get(key);
    },
  };
  function commit(key: string, version?: string): void {
    commits++;
    if (version === undefined) versions.delete(key);
    else versions.set(key, version);
  }
  return { sight, seen, commit };
}

const soon = () => vi.advanceTimersByTime(10);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("G07 a listener hears of commits to its own record: new, changed and removed", () => {
  const { sight, commit } = file();
  const watcher = new Watcher(() => sight);
  const heard: string[] = [];
  watcher.watch("a", () => {
    heard.push("a");
    throw new Error("a listener that fails");
  });
  watcher.watch("a", () => heard.push("a too"));
  watcher.watch("b", () => heard.push("b"));
  soon();
  expect(heard).toEqual([]);
  const expected: string[] = [];
  for (const version of ["1", "2", undefined]) {
    commit("a", version);
    soon();
    expected.push("a", "a too");
    expect(heard).toEqual(expected);
  }
});

test("G07 what a commit did between a call and its watch is not waited for, and what came behind is heard", () => {
  const { sight, commit } = file();
  const watcher = new Watcher(() => sight);
  let heard = 0;
  commit("a", "1");
  watcher.watch("a", () => heard++);
  commit("a", "2");
  soon();
  expect(heard).toBe(1);
  watcher.close();
});

test("a commit to other records calls nobody, and where there was none no version is asked for", () => {
  const { sight, seen, commit } = file();
  const watcher = new Watcher(() => sight);
  let heard = 0;
  watcher.watch("a", () => heard++);
  soon();
  const before = seen.versions;
  vi.advanceTimersByTime(1000);
  expect(seen.versions).toBe(before);
  commit("b", "1");
  soon();
  expect([heard, seen.versions]).toEqual([0, before + 1]);
  watcher.close();
});

test("the store's own change, of which no count tells, is told once", () => {
  const { sight, commit } = file();
  const watcher = new Watcher(() => sight);
  let heard = 0;
  watcher.watch("a", () => heard++);
  soon();
  commit("a", "1");
  watcher.changed("a");
  expect(heard).toBe(1);
  soon();
  expect(heard).toBe(1);
  watcher.changed("b");
  watcher.close();
});

test("nothing is looked at before the first listener and after the last, whichever way it went", () => {
  const { sight, seen } = file();
  const watcher = new Watcher(() => sight);
  vi.advanceTimersByTime(1000);
  expect(seen.looks).toBe(0);
  const stops = ["a", "a", "b"].map((key) => watcher.watch(key, () => {}));
  vi.advanceTimersByTime(1000);
  expect(seen.looks).toBeGreaterThan(100);
  for (const stop of [...stops, ...stops]) stop();
  expect(vi.getTimerCount()).toBe(0);
  watcher.watch("a", () => {});
  expect(vi.getTimerCount()).toBe(1);
  watcher.close();
  expect(vi.getTimerCount()).toBe(0);
});

test("a listener may stop all of them from within", () => {
  const { sight, commit } = file();
  const watcher = new Watcher(() => sight);
  let heard = 0;
  const stops: (() => void)[] = [];
  for (let n = 0; n < 2; n++) {
    const listener = () => {
      heard++;
      for (const stop of stops) stop();
    };
    stops.push(watcher.watch("a", listener));
  }
  commit("a", "1");
  soon();
  expect([heard, vi.getTimerCount()]).toEqual([1, 0]);
});

test("where a look takes long, a twentieth of the time goes into it", () => {
  const { sight } = file();
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  let looks = 0;
  const slow: Sight = {
    ...sight,
    changes() {
      looks++;
      now += 10;
    },
  };
  const watcher = new Watcher(() => slow);
  watcher.watch("a", () => {});
  vi.advanceTimersByTime(2000);
  expect(looks).toBe(10);
  watcher.close();
});

test("G21 a look that fails is no end: what happened meanwhile is heard afterwards, as is what a file not open yet has", () => {
  const { sight, commit } = file();
  let present: Sight | undefined;
  const watcher = new Watcher(() => present);
  let heard = 0;
  watcher.watch("a", () => heard++);
  soon();
  present = sight;
  soon();
  // Once, as nobody knows what was there when it began to watch.
  expect(heard).toBe(1);
  present = {
    ...sight,
    changes() {
      throw new Error("disk I/O error");
    },
  };
  soon();
  commit("a", "1");
  soon();
  expect(heard).toBe(1);
  present = sight;
  soon();
  expect(heard).toBe(2);
  watcher.close();
});
