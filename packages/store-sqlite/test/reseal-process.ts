import { connector } from "./reseal-connector.ts";

/** Seals everything anew, telling of every page; the test kills it midway. */
const [path = ""] = process.argv.slice(2);
const both = connector(path, "both");
await both.reseal({ onProgress: ({ resealed }) => process.stdout.write(`${resealed}\n`) });
process.stdout.write("done\n");
