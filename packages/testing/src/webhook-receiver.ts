import { openSimulator, type Simulator, type SimulatorOptions } from "./simulator.ts";

/** Somebody's webhook endpoint, with a journal of what arrives and faults to answer with. */
export interface WebhookReceiver extends Simulator {
  readonly url: string;
  /** What it answers. 200 at first. */
  status: number;
}

/** Listens for webhooks; `faults` act on every request. */
export async function receiveWebhooks(options: SimulatorOptions = {}): Promise<WebhookReceiver> {
  const answer = { status: 200 };
  const simulator = await openSimulator({
    ...options,
    isTokenRequest: ({ path }) => path === "/webhooks",
    hosts: [{ app: () => ({ fetch: () => new Response(null, { status: answer.status }) }) }],
  });
  return Object.assign(answer, simulator, { url: `${simulator.origin}/webhooks` });
}
