import { cases } from "./cases.ts";

// Jest puts it into every test file.
declare const test: (name: string, run: () => Promise<void>, milliseconds: number) => void;

for (const { name, run } of cases) test(name, run, 60_000);
