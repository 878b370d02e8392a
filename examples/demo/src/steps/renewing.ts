import { holds, present } from "../checks.ts";
import { connectionOf, type Journey } from "../journey.ts";
import { days, minutes } from "../time.ts";
import { trafficOf } from "../traffic.ts";

/**
 * Callers in two processes' connectors meet an expired token whose refresh token works once: a second presentation would end
 * the grant.
 */
export async function crowd(journey: Journey): Promise<readonly string[]> {
  const { world, owner } = journey;
  const here = await connectionOf(journey, "books");
  const there = await world.anotherInstance().connection(here.id, { owner });
  const old = await here.accessToken();
  const { books } = trafficOf(world);
  await world.clock.advance(minutes(61));

  const before = books.tokenRequests();
  const callers = Array.from({ length: 1000 }, (_, caller) => (caller % 2 === 0 ? here : there));
  const tokens = new Set(await Promise.all(callers.map((connection) => connection.accessToken())));
  const requests = books.tokenRequests() - before;
  holds("different tokens handed out", tokens.size, 1);
  holds("the expired token is handed out", tokens.has(old), false);
  holds("token requests", requests, 1);
  holds("refresh tokens presented twice", world.simulators.fiskl.counters.reuses, 0);
  return [`1,000 callers in two instances on one SQLite file, one new token; token requests: ${requests}`];
}

/** Fiskil knows no refresh token: the application's token is asked for anew, once it is needed. */
export async function mintAgain(journey: Journey): Promise<readonly string[]> {
  const { world } = journey;
  const connection = await connectionOf(journey, "fiskil");
  const { fiskil } = trafficOf(world);
  const call = async () => {
    const before = fiskil.tokenRequests();
    holds("status of an API call", (await connection.fetch("/v1/banking/accounts")).status, 200);
    return fiskil.tokenRequests() - before;
  };
  holds("token requests by the first call", await call(), 1);
  holds("token requests by a call right after", await call(), 0);
  await world.clock.advance(minutes(15));
  const requests = await call();
  holds("token requests by a call 15 minutes later", requests, 1);
  return [`a call, and another: no request; 15 minutes later a call; token requests: ${requests}`];
}

/** Flinks forgets a refresh token that lies unused for 30 days. A sweep a day uses it in time, and only then. */
export async function idleMonth(journey: Journey): Promise<readonly string[]> {
  const { world } = journey;
  const { clock, application } = world;
  const connection = await connectionOf(journey, "flinks");
  const { flinks } = trafficOf(world);
  const before = flinks.tokenRequests();
  const renewedOn: number[] = [];
  for (let day = 1; day <= 29; day++) {
    await clock.advance(days(1));
    const requests = flinks.tokenRequests();
    const report = await application.connector.maintain();
    holds(`day ${day}: rows that maintenance failed on`, report.outcomes.failed, 0);
    if (flinks.tokenRequests() > requests) renewedOn.push(day);
  }
  holds("token requests in 29 days", flinks.tokenRequests() - before, 1);
  const day = present("the day of the renewal", renewedOn[0]);

  await clock.advance(days(2));
  const response = await connection.fetch("/api/fdx/5/accounts");
  holds("status of an API call 31 days after the last one", response.status, 200);
  holds("health", (await connection.status()).health, "healthy");
  return [
    `29 daily sweeps; the refresh token was used on day ${day}; token requests: 1`,
    "2 days more, past the 30 that Flinks allows: an API call works",
  ];
}
