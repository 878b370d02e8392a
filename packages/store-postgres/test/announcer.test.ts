import { expect, test } from "vitest";
import { Announcer } from "../src/announcer.ts";
import { digestOf } from "../src/channel.ts";

function sending() {
  const sent: { readonly digests: string[]; readonly answer: PromiseWithResolvers<void> }[] = [];
  const announcer = new Announcer((digests) => {
    const answer = Promise.withResolvers<void>();
    sent.push({ digests, answer });
    return answer.promise;
  });
  return { sent, announcer };
}

test("G07 the first change is told at once, and those that come while a notice is under way together, each once", async () => {
  const { sent, announcer } = sending();
  announcer.announce("a");
  expect(sent.map(({ digests }) => digests)).toEqual([[digestOf("a")]]);
  for (const key of ["b", "c", "b"]) announcer.announce(key);
  expect(sent).toHaveLength(1);
  sent[0]?.answer.resolve();
  await expect.poll(() => sent.length).toBe(2);
  expect(sent[1]?.digests).toEqual([digestOf("b"), digestOf("c")]);
  sent[1]?.answer.resolve();
  await announcer.close();
});

test("G17 a notice that fails is nobody's failure, and the next one is sent", async () => {
  const { sent, announcer } = sending();
  announcer.announce("a");
  announcer.announce("b");
  sent[0]?.answer.reject(new Error("the connection was lost"));
  await expect.poll(() => sent.length).toBe(2);
  sent[1]?.answer.reject(new Error("and again"));
  await announcer.close();
  announcer.announce("c");
  expect(sent[2]?.digests).toEqual([digestOf("c")]);
  sent[2]?.answer.resolve();
});

test("close() sends what was announced, without a pause", async () => {
  const { sent, announcer } = sending();
  announcer.announce("a");
  announcer.announce("b");
  let isClosed = false;
  const closed = announcer.close().then(() => {
    isClosed = true;
  });
  sent[0]?.answer.resolve();
  await expect.poll(() => sent.length).toBe(2);
  expect(isClosed).toBe(false);
  sent[1]?.answer.resolve();
  await closed;
  expect(sent[1]?.digests).toEqual([digestOf("b")]);
});
