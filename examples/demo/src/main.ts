import { parseArgs } from "node:util";
import { demonstrate } from "./demonstration.ts";
import { serve } from "./serve.ts";

const { values } = parseArgs({ options: { serve: { type: "boolean", default: false } } });
process.exitCode = await (values.serve ? serve() : demonstrate());
