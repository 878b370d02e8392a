import { ConnectorError } from "@linkwright/core";
import type { answers } from "./schemas.ts";

type Answers = typeof answers;

/**
 * Checks an answer of the API and gives it the adapter's shape.
 *
 * @throws {ConnectorError} `protocol` where it is not what is documented; names the place in it and no value.
 */
export async function read<Name extends keyof Answers>(
  name: Name,
  json: unknown,
): Promise<Answers[Name]["_zod"]["output"]> {
  const { answers } = await import("./schemas.ts");
  const result = answers[name].safeParse(json);
  if (result.success) return result.data as Answers[Name]["_zod"]["output"];
  const path = result.error.issues[0]?.path.join(".");
  throw new ConnectorError(
    { kind: "protocol" },
    `flinks: the answer is not the documented ${name}${path ? ` (at ${path})` : ""}; report it to Flinks or update the adapter`,
    { provider: "flinks" },
  );
}
