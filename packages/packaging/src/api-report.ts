import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  type ExtractorMessage,
} from "@microsoft/api-extractor";
import { type PublicPackage, root } from "./workspace.ts";

/** One thing that can be imported of a package, and everything that it offers. */
export interface ApiReport {
  /** `core`, or `testing.store` for a path below the package's name. */
  readonly name: string;
  /** Where the report is kept for review. */
  readonly path: string;
  readonly text: string;
  /** What keeps the types from being read. */
  readonly complaints: readonly string[];
}

interface Entry {
  readonly name: string;
  readonly folder: string;
  readonly types: string;
}

/** What packages offer by their compiled types, one report for each of their entries. */
export function apiReports(packages: readonly PublicPackage[]): ApiReport[] {
  const entries = packages.flatMap(({ short, folder, manifest }) =>
    Object.entries(manifest.exports).map(([path, { types = "" }]): Entry => {
      const name = [short, ...path.split("/").slice(1)].join(".");
      return { name, folder, types: join(folder, types) };
    }),
  );
  const reports = mkdtempSync(join(tmpdir(), "linkwright-api-"));
  const configurations = entries.map((entry) => configurationOf(entry, reports));
  const [first] = configurations;
  if (!first) return [];
  // One program for all: reading the types of the platform is most of the work.
  const compilerState = CompilerState.create(first, { additionalEntryPoints: entries.map(({ types }) => types) });
  const made = entries.map(({ name, folder }, n): ApiReport => {
    const complaints: string[] = [];
    const messageCallback = (message: ExtractorMessage) => {
      // Those of another package come with each.
      const own = message.sourceFilePath?.startsWith(folder);
      if (message.category === "Compiler" && own) complaints.push(message.formatMessageWithLocation(folder));
      message.handled = true;
    };
    Extractor.invoke(configurations[n] ?? first, { compilerState, localBuild: true, messageCallback });
    const text = readFileSync(join(reports, `${name}.api.md`), "utf8").replaceAll("\r\n", "\n");
    return { name, path: join(root, "api", `${name}.api.md`), text, complaints };
  });
  rmSync(reports, { recursive: true, force: true });
  return made;
}

function configurationOf({ name, folder, types }: Entry, reportFolder: string): ExtractorConfig {
  const compilerOptions = {
    module: "nodenext",
    target: "es2022",
    lib: ["es2024", "esnext.disposable", "dom", "dom.iterable"],
    types: ["node"],
    typeRoots: [join(root, "node_modules", "@types")],
    strict: true,
  };
  const silent = { default: { logLevel: ExtractorLogLevel.None } };
  return ExtractorConfig.prepare({
    configObjectFullPath: join(folder, "api-extractor.json"),
    packageJsonFullPath: join(folder, "package.json"),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: types,
      newlineKind: "lf",
      compiler: { overrideTsconfig: { compilerOptions } },
      apiReport: { enabled: true, reportFileName: `${name}.api.md`, reportFolder, reportTempFolder: reportFolder },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: silent,
        tsdocMessageReporting: silent,
      },
    },
  });
}
