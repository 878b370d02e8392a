import { once } from "node:events";
import type { Store } from "@linkwright/core";
import { increment } from "./increment.ts";

// The program of one child of `processes.ts`.
const task = JSON.parse(process.argv[2] ?? "") as {
  moduleUrl: string;
  exportName: string;
  options: unknown;
  key: string;
  times: number;
};
const module = (await import(task.moduleUrl)) as Record<string, (options: unknown) => Store | Promise<Store>>;
const open = module[task.exportName];
if (!open) throw new Error(`${task.moduleUrl} exports no ${task.exportName}.`);
const store = await open(task.options);
// Connected before the start, so that the processes write at the same time and not one after the other.
await store.read(task.key);
console.log("ready");
await once(process.stdin, "data");
const versions = await increment(store, task.key, task.times);
await store.close();
console.log(JSON.stringify(versions));
