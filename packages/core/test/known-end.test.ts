import { days } from "@linkwright/core";
import { expect, test } from "vitest";
import { session } from "./support/house.ts";
import { watchedHouse } from "./support/watched.ts";

const day = 86_400_000;
const lasting = { grants: { refreshToken: { rotation: "rotating", lifetime: days(60) } } } as const;

test("G59 a grant that ends with its refresh token is told ahead, once, with its date; connecting again moves it", async () => {
  await using h = await watchedHouse({ bank: lasting });
  const connection = await h.link();
  const expiresAt = h.clock.now() + 60 * day;
  await h.clock.advance(53 * day - 1);
  await h.connector.maintain();
  expect(h.told("connection.expiring")).toBe(0);
  await h.clock.advance(1);
  for (let sweeps = 0; sweeps < 2; sweeps++) await h.connector.maintain();
  const told = { registration: "bank", provider: "bank", connection: connection.id, owner: "user_1", expiresAt };
  expect(h.events.filter(({ name }) => name === "connection.expiring").map(({ event }) => event)).toEqual([told]);
  expect(await connection.status()).toMatchObject({ health: "expiring", consentExpiresAt: expiresAt });
  // Rotation does not put off the end, nor tell it again.
  await connection.accessToken();
  await h.connector.maintain();
  expect(h.told("connection.expiring")).toBe(1);
  expect((await connection.status()).consentExpiresAt).toBe(expiresAt);

  const flow = await h.connector.providers.bank.connect({ owner: "user_1", session, connection: connection.id });
  const again = await h.connector.complete(await h.server.consent(flow.url), { session });
  expect(again.id).toBe(connection.id);
  expect(await again.status()).toMatchObject({ health: "healthy", consentExpiresAt: h.clock.now() + 60 * day });
});

test("G59 of two known ends the earlier counts", async () => {
  let consentExpiresAt = 0;
  await using h = await watchedHouse({ bank: { ...lasting, connect: { granted: () => ({ consentExpiresAt }) } } });
  for (const [granted, expected] of [
    [30, 30],
    [90, 60],
  ] as const) {
    consentExpiresAt = h.clock.now() + granted * day;
    expect((await (await h.link()).status()).consentExpiresAt).toBe(h.clock.now() + expected * day);
  }
});
