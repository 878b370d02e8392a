import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const folderOf = (name: string) => dirname(require.resolve(`${name}/package.json`));
const windows = process.platform === "win32";

const nodeOf = (name: string) => join(folderOf(name), "bin", windows ? "node.exe" : "node");

/** The lowest Node that `engines` allows, the one that this runs on, and the newest. */
export const nodes = [
  { name: "Node 22.19", version: "v22.19.0", program: nodeOf("node-22") },
  { name: `Node ${process.versions.node.split(".")[0]}`, version: process.version, program: process.execPath },
  { name: "Node 26", version: "v26.10.0", program: nodeOf("node-26") },
] as const;

export const deno = join(folderOf("deno"), windows ? "deno.exe" : "deno");
export const bun = join(folderOf("bun"), "bin", "bun.exe");
export const workerd = join(folderOf("workerd"), "bin", "workerd");
