import type { Fault } from "@linkwright/core";
import { expect, test } from "vitest";
import { adviceOn } from "../src/advice.ts";
import { house, readText } from "./support/house.ts";

const advised: readonly (readonly [Fault, number, string])[] = [
  [{ kind: "reauthorize", reason: "revoked" }, 409, "This account has to be reconnected"],
  [{ kind: "retry", retryAt: 5000 }, 503, "Not just now"],
  [{ kind: "configuration" }, 500, "This application is not set up correctly"],
  [{ kind: "permission" }, 403, "This is not covered by what you allowed"],
  [{ kind: "flow", reason: "expired" }, 400, "This link attempt cannot be finished"],
  [{ kind: "gone", reason: "unknown" }, 404, "There is no such connection"],
  [{ kind: "protocol" }, 502, "The provider's answer made no sense"],
  [{ kind: "store" }, 503, "Our records cannot be reached"],
  [{ kind: "cancelled" }, 200, "Nothing was linked"],
  [{ kind: "aborted" }, 500, "The request was broken off"],
];

test.each(advised)("%o is answered %i: %s", (fault, status, title) => {
  expect(adviceOn(fault, 2000)).toMatchObject({ status, title });
});

test("when to try again is told in seconds", () => {
  expect(adviceOn({ kind: "retry", retryAt: 5000 }, 2000).remedy).toContain("Try again in 3 seconds.");
});

test("a provider that is out of order is told as such, and the connection stays", async () => {
  await using h = await house();
  const { flinks } = h.simulators;
  const ada = await h.signedIn("ada");
  await ada.link("flinks", flinks.consent);
  await h.clock.advance(301_000);
  flinks.faults.next("status", { status: 503 });
  const [connection] = await h.connectionsOf("ada");
  const answer = await ada.post(`/connections/${connection?.id}/call`);
  expect(answer.status).toBe(503);
  expect(readText(await answer.text())).toContain("Not just now");
  expect(readText(await (await ada.get("/")).text())).toContain(
    "Health: Retrying The provider could not renew it just now",
  );
});
