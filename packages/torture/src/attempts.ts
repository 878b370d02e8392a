import type { FromWorker } from "./messages.ts";

/** The header by which a process says who it is. */
export const workerHeader = "x-worker";
/** The header by which a process counts its requests. */
export const attemptHeader = "x-attempt";

/** A `fetch` that says who asks and how often, and tells of each request whose answer is not waited for any longer. */
export function counted(worker: string, tell: (message: FromWorker) => void) {
  let attempts = 0;
  return (input: string, init: RequestInit): Promise<Response> => {
    const attempt = ++attempts;
    const began = Date.now();
    init.signal?.addEventListener("abort", () => {
      const at = Date.now();
      tell({ say: "gave_up", attempt, at, waited: at - began });
    });
    const headers = new Headers(init.headers);
    headers.set(workerHeader, worker);
    headers.set(attemptHeader, `${attempt}`);
    return fetch(input, { ...init, headers });
  };
}
