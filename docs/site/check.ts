import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { at } from "./repository.ts";

/**
 * What is wrong with a built site, a line each: links within it that lead to no page or no heading, and anything that a page
 * would load from elsewhere.
 */
export function faultsOf(folder: string, base: string): string[] {
  const files = globSync("**/*.html", { cwd: folder }).map((path) => path.replaceAll("\\", "/"));
  const html = new Map(files.map((file) => [file, readFileSync(posix.join(folder, file), "utf8")]));
  const anchors = new Map(
    [...html].map(([file, text]) => [file, new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))]),
  );
  const faults: string[] = [];
  for (const [file, text] of html) {
    for (const [, href = ""] of text.matchAll(/<a\b[^>]*? href="([^"]*)"/g)) {
      if (/^[a-z]+:/i.test(href)) continue;
      const [path = "", anchor = ""] = decodeURI(href.replaceAll("&amp;", "&")).split("#");
      const target = path === "" ? file : pageOf(file, path, base);
      if (!anchors.has(target)) faults.push(`${file}: ${href} leads to no page`);
      else if (anchor !== "" && !anchors.get(target)?.has(anchor)) faults.push(`${file}: ${href} leads to no heading`);
    }
    for (const [tag] of text.matchAll(/<(?:script|link|img|iframe|source|video)\b[^>]*>/g))
      if (/(?:src|href)="(?:https?:)?\/\//.test(tag)) faults.push(`${file}: loads from elsewhere: ${tag}`);
  }
  for (const style of globSync("**/*.css", { cwd: folder }))
    if (/(?:url\(|@import)\s*["']?(?:https?:)?\/\//.test(readFileSync(posix.join(folder, style), "utf8")))
      faults.push(`${style}: loads from elsewhere`);
  return [...new Set(faults)];
}

function pageOf(from: string, path: string, base: string): string {
  const absolute = path.startsWith("/")
    ? path.slice(base.length)
    : posix.join(posix.dirname(from), path).replace(/^\.\//, "");
  if (absolute === "" || absolute.endsWith("/")) return `${absolute}index.html`;
  return absolute.endsWith(".html") ? absolute : `${absolute}.html`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const faults = faultsOf(at("docs/.vitepress/dist"), process.env.SITE_BASE ?? "/");
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
