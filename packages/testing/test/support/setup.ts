import { afterAll } from "vitest";
import { endFile } from "./endings.ts";

/** Runs anew before each test file, unlike the modules that files share. */
afterAll(endFile);
