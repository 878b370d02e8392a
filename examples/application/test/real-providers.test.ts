import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen, runApplication } from "@linkwright/example-application";
import { createVisitor } from "@linkwright/example-application/visitor";
import { expect, test } from "vitest";

test("with credentials in the environment the same pages lead to the real provider", async () => {
  const directory = await mkdtemp(join(tmpdir(), "linkwright-real-"));
  const listener = await listen({ port: 0 });
  const origin = `http://localhost:${listener.port}`;
  const application = await runApplication(
    {
      APP_ORIGIN: origin,
      LINKWRIGHT_DATABASE: join(directory, "real.db"),
      LINKWRIGHT_KEYS: `test:${randomBytes(32).toString("base64")}`,
      FLINKS_CLIENT_ID: "dc-1",
      FLINKS_CLIENT_SECRET: "hush",
      FLINKS_PROVIDER_ID: "1001",
    },
    listener,
    { maintainEvery: 60_000 },
  );
  try {
    const ada = createVisitor(origin);
    await ada.signIn("ada");
    const url = new URL(await ada.setOut("/linkwright/start/flinks"));
    expect(url.origin + url.pathname).toBe("https://ob.flinksapp.com/api/v1/authorize");
    const { state, ...parameters } = Object.fromEntries(url.searchParams);
    expect(state).toMatch(/^[\w-]{43}$/);
    expect(parameters).toEqual({
      client_id: "dc-1",
      provider_id: "1001",
      redirect_uri: `${origin}/callback/flinks`,
      response_type: "code",
      scope: "ACCOUNT_BASIC TRANSACTIONS",
    });
    // What is not configured is not there.
    expect((await ada.post("/linkwright/start/fiskil")).status).toBe(404);
    expect((await fetch(`${origin}/linkwright/webhook/fiskil`, { method: "POST", body: "{}" })).status).toBe(404);
  } finally {
    await application.close();
    await rm(directory, { recursive: true });
  }
});
