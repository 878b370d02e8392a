import { isDeepStrictEqual } from "node:util";
import { type Fault, isConnectorError } from "@linkwright/core";

/** A step of the walk did not do as promised. */
export class BrokenPromise extends Error {}

/** @throws {BrokenPromise} saying what was promised and what was found. */
export function holds(what: string, found: unknown, promised: unknown): void {
  if (isDeepStrictEqual(found, promised)) return;
  throw new BrokenPromise(`${what}: promised ${JSON.stringify(promised)}, found ${JSON.stringify(found)}`);
}

/** @throws {BrokenPromise} where it is absent. */
export function present<T>(what: string, found: T | undefined): T {
  if (found === undefined) throw new BrokenPromise(`${what}: promised to be there, and is not`);
  return found;
}

/** The fault that `work` ends with. */
export async function faultOf(what: string, work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    if (isConnectorError(error)) return error.fault;
    throw error;
  }
  throw new BrokenPromise(`${what}: promised to fail, and succeeded`);
}
