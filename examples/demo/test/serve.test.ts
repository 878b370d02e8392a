import { createVisitor } from "@linkwright/example-application/visitor";
import { actOnConsent } from "@linkwright/testing";
import { expect, test } from "vitest";
import { child } from "./support/child.ts";

test("--serve leaves application and simulators up until it is told to end", async () => {
  const demo = child("../../src/main.ts", ["--serve"]);
  const [, application = ""] = await demo.printed(/The application is at (http:\/\/localhost:\d+)/);
  const [, side = ""] = await demo.printed(/take something back, at (http:\/\/localhost:\d+)/);
  await demo.printed(/Ctrl\+C ends it all\./);

  const ada = createVisitor(application);
  await ada.signIn("ada");
  expect((await ada.link("fiskil", actOnConsent)).status).toBe(303);
  expect(await (await ada.get("/")).text()).toContain(">Working<");

  const press = (name: string, site: string) =>
    fetch(`${side}/${name}`, { method: "POST", headers: { "sec-fetch-site": site }, redirect: "manual" });
  expect((await press("fiskil", "cross-site")).status).toBe(403);
  expect((await press("fiskil", "same-origin")).status).toBe(303);
  expect(await (await ada.get("/")).text()).toContain(">Ended<");

  demo.kill("SIGTERM");
  expect((await demo.ended).code).toBe(0);
  await expect(fetch(application)).rejects.toThrow();
});

test("with credentials in the environment it is the real provider, and its grants are not kept in a throw-away file", async () => {
  const demo = child("../../src/main.ts", ["--serve"], { FLINKS_CLIENT_ID: "dc-1", FLINKS_CLIENT_SECRET: "hush" });
  const { code, output } = await demo.ended;
  expect(output.trim()).toBe("LINKWRIGHT_DATABASE is missing; name the SQLite file to keep connections in");
  expect(code).toBe(1);
});
