import assert from "node:assert/strict";
import { hasUsers, type Promised, type ProviderHarness } from "./harness.ts";
import { describe, type World } from "./world.ts";

/** Messages that the provider sends. */
export function webhooks({ webhook }: ProviderHarness): Promised[] {
  return webhook ? [known, altered] : [];
}

const message = async ({ harness, server }: World): Promise<Request> => (await harness.webhook?.(server)) as Request;

const known: Promised = {
  name: "G75 a genuine message is read, and known when it comes again",
  remedy: "give each message the id that the provider repeats with every delivery.",
  async run(world) {
    if (hasUsers(world.provider, world.harness)) await world.connect();
    const request = await message(world);
    const first = await world.handle.webhook(request.clone()).catch((error: unknown) => {
      throw new Error(`a genuine message was refused: ${describe(error)}`);
    });
    assert.equal(first.duplicate, false, "the first delivery was taken for a second one");
    assert.equal(
      (await world.handle.webhook(request)).duplicate,
      true,
      "the second delivery was taken for a first one",
    );
  },
};

const altered: Promised = {
  name: "G75 a message that is altered, or not signed, is refused",
  remedy: "verify the signature over the body's bytes as they came, in constant time, before anything is parsed.",
  async run(world) {
    if (hasUsers(world.provider, world.harness)) await world.connect();
    const request = await message(world);
    const body = await request.clone().text();
    const like = (text: string, headers: Headers = request.headers) =>
      new Request(request.url, { method: request.method, headers, body: text });
    const unsigned = new Headers({ "content-type": request.headers.get("content-type") ?? "application/json" });
    const forged = {
      "a space more at its end": like(`${body} `),
      "a character changed": like(body.replace(/[0-9](?=[^0-9]*$)/, (digit) => String((Number(digit) + 1) % 10))),
      "another body under its signature": like("{}"),
      "no signature": like(body, unsigned),
    };
    for (const [what, each] of Object.entries(forged))
      await world.failure(`a message with ${what}`, world.handle.webhook(each));
  },
};
