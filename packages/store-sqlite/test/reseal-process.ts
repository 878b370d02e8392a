import { writeSync } from "node:fs";
import { connector } from "./reseal-connector.ts";

/** Seals everything anew, and tells of the first pages; there it stands still, for the test to kill it. */
const [path = ""] = process.argv.slice(2);
const both = connector(path, "both");
await both.reseal({
  onProgress({ resealed }) {
    writeSync(1, `${resealed}\n`);
    if (resealed > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
});
process.stdout.write("done\n");
