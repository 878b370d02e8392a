import { expect, test } from "vitest";
import { environmentOf, realPrefixes } from "../src/environment.ts";

const simulated = { FISKIL_CLIENT_ID: "sim", FISKIL_BASE_URL: "http://127.0.0.1:1", FLINKS_CLIENT_ID: "sim" };
const application = {
  APP_ORIGIN: "http://localhost:2",
  LINKWRIGHT_DATABASE: "thrown-away",
  LINKWRIGHT_KEYS: "demo:key",
};

test("without credentials everything is simulated, and whatever else is set is no matter", () => {
  const own = { FISKIL_CLIENT_ID: "", FISKIL_INSTITUTION_ID: "88888", LINKWRIGHT_DATABASE: "kept.db", HOME: "/home" };
  expect(realPrefixes(own)).toEqual([]);
  expect(environmentOf({ own, simulated, application })).toEqual({ ...simulated, ...application, HOME: "/home" });
});

test("a provider with credentials is the real one, with nothing of the simulator's, and the data is kept", () => {
  const own = {
    FISKIL_CLIENT_ID: "key_1",
    FISKIL_CLIENT_SECRET: "hush",
    LINKWRIGHT_DATABASE: "kept.db",
    FLINKS_BASE_URL: "x",
  };
  expect(realPrefixes(own)).toEqual(["FISKIL_"]);
  expect(environmentOf({ own, simulated, application })).toEqual({
    FISKIL_CLIENT_ID: "key_1",
    FISKIL_CLIENT_SECRET: "hush",
    FLINKS_CLIENT_ID: "sim",
    APP_ORIGIN: "http://localhost:2",
    LINKWRIGHT_DATABASE: "kept.db",
  });
});
