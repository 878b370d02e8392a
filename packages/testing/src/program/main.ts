#!/usr/bin/env node
import { runProgram } from "./program.ts";

// npx linkwright-simulate fiskil --port 4100
process.exitCode = await runProgram(process.argv.slice(2));
