import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder of a package that this one depends on. */
export function packageFolder(name: string): string {
  return fileURLToPath(new URL(`../node_modules/${name}/`, import.meta.url));
}

/** What a package says of itself. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(`${folder}/package.json`, "utf8")) as Manifest;
}

/** Who takes part, and in which version. */
export function versions(): [name: string, version: string][] {
  return [
    "google-auth-library",
    "@azure/msal-node",
    "simple-oauth2",
    "@badgateway/oauth2-client",
    "better-auth",
    "oauth4webapi",
    "openid-client",
    "jose",
    "keyv",
    "pg",
    "redis",
  ].map((name) => [name, manifest(packageFolder(name)).version]);
}
