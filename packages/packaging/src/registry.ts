import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTarGzip } from "nanotar";
import { tarballOf } from "./tarball.ts";
import { filesUnder, publicPackages, readManifest, root } from "./workspace.ts";

/** A registry for npm, on loopback. */
export interface Registry extends AsyncDisposable {
  readonly url: string;
  /** Where npm keeps what it got from here. */
  readonly cache: string;
  /** What was asked for and is not here. */
  readonly missing: readonly string[];
}

interface Version {
  readonly manifest: { readonly name: string; readonly version: string };
  readonly bytes: () => Promise<Uint8Array>;
}

/**
 * Serves the packages of this repository as they were packed, and what they depend on as pnpm has installed it. So packages are
 * installed from the very manifests that will be published, by npm's own rules, and without the network.
 */
export async function serveRegistry(): Promise<Registry> {
  const own = new Map<string, Version[]>();
  const missing: string[] = [];
  for (const each of publicPackages) {
    own.set(each.manifest.name, []);
    // Who asks for what is not packed is told why; the others are served.
    await tarballOf(each).then(
      ({ manifest, bytes }) => own.set(manifest.name, [{ manifest, bytes: async () => bytes }]),
      (error: unknown) => missing.push(String(error)),
    );
  }
  const cache = mkdtempSync(join(tmpdir(), "linkwright-npm-"));
  const server = createServer(({ url = "" }, response) => {
    const [name = "", version] = decodeURIComponent(url.slice(1)).split("/-/");
    const versions = own.get(name) ?? installed(name);
    if (versions.length === 0) missing.push(name);
    if (version === undefined)
      return json(response, versions.length > 0 ? packument(name, versions, origin) : undefined);
    const wanted = versions.find(({ manifest }) => `${manifest.version}.tgz` === version);
    if (!wanted) return json(response, undefined);
    wanted.bytes().then(
      (bytes) => response.writeHead(200, lasting).end(bytes),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${origin}/`,
    cache,
    missing,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(cache, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Every version of a package that pnpm has installed for this repository. */
function installed(name: string): Version[] {
  const folders = globSync(`node_modules/.pnpm/${name.replace("/", "+")}@*/node_modules/${name}`, { cwd: root });
  const versions = new Map<string, Version>();
  for (const path of folders) {
    const folder = join(root, path);
    if (!existsSync(join(folder, "package.json"))) continue;
    const manifest = readManifest(folder);
    versions.set(manifest.version, { manifest, bytes: () => pack(folder) });
  }
  return [...versions.values()];
}

const packed = new Map<string, Promise<Uint8Array>>();

/** As a registry would send it. */
function pack(folder: string): Promise<Uint8Array> {
  const contents = () =>
    filesUnder(folder).map((name) => ({ name: `package/${name}`, data: readFileSync(join(folder, name)) }));
  const bytes = packed.get(folder) ?? createTarGzip(contents());
  packed.set(folder, bytes);
  return bytes;
}

function packument(name: string, versions: readonly Version[], origin: string): object {
  const newest = versions
    .map(({ manifest }) => manifest.version)
    .sort(ascending)
    .at(-1);
  return {
    name,
    "dist-tags": { latest: newest },
    versions: Object.fromEntries(
      versions.map(({ manifest }) => [
        manifest.version,
        { ...manifest, dist: { tarball: `${origin}/${name}/-/${manifest.version}.tgz` } },
      ]),
    ),
  };
}

const ascending = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true });

/** Nothing changes while the registry is there, so npm asks once. */
const lasting = { "cache-control": "public, max-age=3600, immutable" };

function json(response: ServerResponse, body: object | undefined): void {
  response
    .writeHead(body ? 200 : 404, { "content-type": "application/json", ...(body && lasting) })
    .end(JSON.stringify(body ?? {}));
}
