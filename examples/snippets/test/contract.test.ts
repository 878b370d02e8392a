import { describe, expect, test } from "vitest";
import { cases as harbour } from "../src/harbour-contract.ts";
import { cases as quay } from "../src/quay-contract.ts";
import { afterLostAnswer } from "../src/simulate.ts";

describe("G81 harbour keeps the provider contract", () => {
  // #region run
  for (const { name, run } of harbour) test(name, run);
  // #endregion
});

describe("G81 quay keeps the provider contract", () => {
  for (const { name, run } of quay) test(name, run);
});

test("G19 a strict server ends the grant whose answer was lost, and the connection says so", async () => {
  expect(await afterLostAnswer()).toEqual({ health: "reauthorize", reason: "rotation_lost", requests: 2 });
});
