import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { startExample } from "../../../packages/web/test/support/example.ts";
import { travel } from "../../../packages/web/test/support/journey.ts";

const server = fileURLToPath(new URL("../src/server.ts", import.meta.url));

test("node:http: a link, a call, a webhook, and the end", async () => {
  await using example = await startExample({ arguments: ["--conditions=@linkwright/source", server] });
  await travel(example);
});
