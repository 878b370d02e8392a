import { expect, test } from "vitest";
import { granted, readClaims } from "../src/access-token.ts";

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const token = (claims: unknown) => `${part({ alg: "ES256" })}.${part(claims)}.c2ln`;
const claims = { client_id: "dc-demo0001", sub: "4f0f8e0c-7d1e-4b7e-9a52-0c0d6b0f1a11", exp: 1768442884 };

test("the claims are read, whatever else is in the token", () => {
  expect(readClaims(token(claims))).toEqual({
    clientId: "dc-demo0001",
    subject: "4f0f8e0c-7d1e-4b7e-9a52-0c0d6b0f1a11",
  });
  expect(readClaims(token({ ...claims, sub: "é/?ü>~ÿ" }))?.subject).toBe("é/?ü>~ÿ");
});

test.each([
  ["undefined", undefined],
  ["a number", 7],
  ["opaque", "at_9d1"],
  ["two parts", token(claims).split(".").slice(0, 2).join(".")],
  ["five parts", `${token(claims)}.a.b`],
  ["no base64", "a.%%%.c"],
  ["no JSON", `a.${Buffer.from("nonsense").toString("base64url")}.c`],
  ["an array", token([])],
  ["no sub", token({ client_id: "dc-demo0001" })],
  ["an empty sub", token({ ...claims, sub: "" })],
  ["a sub that is no text", token({ ...claims, sub: 7 })],
  ["no client_id", token({ sub: "user" })],
])("what is no such token tells nothing: %s", (_name, value) => {
  expect(readClaims(value)).toBeUndefined();
  expect(granted("dc-demo0001")({ access_token: value }, bank)).toEqual({ data: { providerId: "1000" } });
});

const bank = { providerId: 1000 };

test("G67 the account is the bank and the token's sub, if the token was made out to this client", () => {
  const answer = { access_token: token(claims) };
  expect(granted("dc-demo0001")(answer, bank)).toEqual({
    account: "1000:4f0f8e0c-7d1e-4b7e-9a52-0c0d6b0f1a11",
    data: { providerId: "1000" },
  });
  expect(granted("dc-other")(answer, bank)).toEqual({ data: { providerId: "1000" } });
});
