import { globSync, readFileSync } from "node:fs";
import { dirname, posix } from "node:path";
import { Application, type ProjectReflection, ReflectionKind } from "typedoc";
import type { MarkdownApplication } from "typedoc-plugin-markdown";
import { at } from "./repository.ts";

/** The reference of what the packages export, from the comments on it: a page for each entry point. */

export interface EntryPoint {
  /** As it is imported. */
  readonly name: string;
  /** Its page's. */
  readonly page: string;
  readonly source: string;
}

/** What can be imported from the packages that are published. */
export function entryPoints(): EntryPoint[] {
  return globSync("packages/*/package.json", { cwd: at(".") })
    .sort()
    .flatMap((path) => {
      const manifest = JSON.parse(readFileSync(at(path), "utf8")) as {
        name: string;
        private?: boolean;
        exports?: Record<string, { "@linkwright/source"?: string } | string>;
      };
      if (manifest.private === true) return [];
      return Object.entries(manifest.exports ?? {}).flatMap(([subpath, conditions]) => {
        const source = typeof conditions === "object" ? conditions["@linkwright/source"] : undefined;
        if (!source) return [];
        const name = posix.join(manifest.name, subpath);
        return {
          name,
          page: name.replace(/^@[^/]*\//, "").replaceAll("/", "-"),
          source: posix.join(dirname(path), source),
        };
      });
    });
}

/** Writes the pages into the folder, and an index of them. */
export async function writeReference(folder: string): Promise<void> {
  const points = entryPoints();
  const application = (await Application.bootstrapWithPlugins({
    plugin: ["typedoc-plugin-markdown"],
    entryPoints: points.map(({ source }) => at(source)),
    tsconfig: at("docs/site/reference.tsconfig.json"),
    // The repository's own check is stricter, and by another version of the compiler.
    skipErrorChecking: true,
    excludeExternals: true,
    excludePrivate: true,
    excludeInternal: true,
    disableSources: true,
    readme: "none",
    groupOrder: ["Functions", "Classes", "Interfaces", "Type Aliases", "Variables"],
    logLevel: "Error",
    ...({
      outputFileStrategy: "modules",
      entryFileName: "index",
      tableColumnSettings: { hideModifiers: true, leftAlignHeaders: true },
      hidePageHeader: true,
      hideBreadcrumbs: true,
      hidePageTitle: false,
      useCodeBlocks: true,
      expandObjects: true,
      parametersFormat: "table",
      interfacePropertiesFormat: "table",
      classPropertiesFormat: "table",
      typeAliasPropertiesFormat: "table",
      useHTMLAnchors: true,
      propertyMembersFormat: "table",
      enumMembersFormat: "table",
      typeDeclarationFormat: "table",
      sanitizeComments: true,
      pageTitleTemplates: { index: "API reference", module: ({ name }: { name: string }) => nameOf(points, name) },
    } as object),
  })) as MarkdownApplication;
  const project = await application.convert();
  if (!project) throw new Error("The packages' sources cannot be read.");
  rename(project, points);
  await application.outputs.writeOutput({ name: "markdown", path: folder }, project);
}

const nameOf = (points: readonly EntryPoint[], page: string): string =>
  points.find((point) => point.page === page)?.name ?? page;

/** Modules go by what is imported; in an address, without the scope and with a dash for each slash. */
function rename(project: ProjectReflection, points: readonly EntryPoint[]): void {
  for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
    const point = points.find(({ source }) => source.replace(/^packages\/|(\/index)?\.ts$/g, "") === module.name);
    if (!point) throw new Error(`No package has the module ${module.name}.`);
    module.name = point.page;
  }
}
