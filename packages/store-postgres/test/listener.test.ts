import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { Listener, type ListeningClient } from "../src/listener.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
});

const statement = { text: "SELECT pg_notify" };

/** A listener and the clients that it opened; `answer` is what their statements but the first are answered. */
function listening(answer: () => Promise<unknown> = async () => {}, end: () => Promise<void> = async () => {}) {
  const clients: { readonly cut: () => void }[] = [];
  const open = async (): Promise<ListeningClient> => {
    const cut = vi.fn();
    clients.push({ cut });
    const query = async (asked: unknown) => (typeof asked === "string" ? undefined : await answer());
    return { connect: async () => {}, query, end, on: () => {}, connection: { stream: { destroy: cut } } };
  };
  const listener = new Listener(open, "linkwright", () => {});
  return { clients, listener };
}

test("G07 a notice that gets no answer costs the connection, and another takes its place", async () => {
  const { clients, listener } = listening(async () => Promise.reject(new Error("Query read timeout")));
  let heard = 0;
  listener.watch("key", () => heard++);
  await vi.waitFor(() => expect(heard).toBe(1));
  await expect(listener.query(statement, [])).rejects.toThrow("Query read timeout");
  expect(listener.query(statement, [])).toBeUndefined();
  await vi.advanceTimersByTimeAsync(100);
  expect([clients.length, heard]).toEqual([2, 2]);
  await listener.close();
});

test("G07 a notice that the server refuses does not cost the connection", async () => {
  const refused = Object.assign(new Error("too long"), { code: "22023" });
  const { clients, listener } = listening(async () => Promise.reject(refused));
  let heard = 0;
  listener.watch("key", () => heard++);
  await vi.waitFor(() => expect(heard).toBe(1));
  for (let times = 0; times < 2; times++) await expect(listener.query(statement, [])).rejects.toBe(refused);
  await vi.advanceTimersByTimeAsync(10_000);
  expect([clients.length, heard]).toEqual([1, 1]);
  await listener.close();
});

test("G08 close() waits a second for the other side to say goodbye, and then cuts the connection", async () => {
  const { clients, listener } = listening(undefined, () => new Promise(() => {}));
  let heard = 0;
  listener.watch("key", () => heard++);
  await vi.waitFor(() => expect(heard).toBe(1));
  let isClosed = false;
  const closed = listener.close().then(() => {
    isClosed = true;
  });
  await vi.advanceTimersByTimeAsync(999);
  expect([isClosed, clients[0]?.cut]).toEqual([false, expect.any(Function)]);
  expect(clients[0]?.cut).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  await closed;
  expect(clients[0]?.cut).toHaveBeenCalledOnce();
});

test("close() cuts nothing where the other side answers, and leaves no timer", async () => {
  const { clients, listener } = listening();
  let heard = 0;
  listener.watch("key", () => heard++);
  await vi.waitFor(() => expect(heard).toBe(1));
  await listener.close();
  expect(vi.getTimerCount()).toBe(0);
  expect(clients[0]?.cut).not.toHaveBeenCalled();
});
