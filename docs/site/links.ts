import { posix } from "node:path";
import { slug } from "./slug.ts";

/** What links of a page are turned into, as they are written for readers of the repository. */
export interface LinkTargets {
  /** The page of the site that shows a file of the repository, by that file's path. */
  readonly pages: ReadonlyMap<string, string>;
  /** Where files of the repository can be read that the site does not show. */
  readonly repository?: string | undefined;
  readonly exists: (path: string) => boolean;
  /** Told of each link that leads to no file of the repository. */
  readonly dead: (fault: string) => void;
}

const link = /(!?)\[((?:\[[^\]]*\]|[^[\]])*)\]\(([^()\s]+)\)/g;

/**
 * The page with its links as the site needs them: to other pages; to files of the repository at its own address, or, where none
 * is known, as text. Code is left alone.
 *
 * @param page - The path of the file that the page is made of.
 */
export function siteLinks(markdown: string, page: string, targets: LinkTargets): string {
  return outsideCode(markdown, (text) =>
    text.replace(link, (whole, image: string, label: string, target: string) => {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return whole;
      const [path = "", anchor = ""] = target.split("#");
      const file = path === "" ? page : posix.join(posix.dirname(page), decodeURI(path)).replace(/\/$/, "");
      if (!targets.exists(file)) targets.dead(`${page}: ${target} leads to no file`);
      if (image === "!") return whole; // the site has the docs' own images
      const shown = targets.pages.get(file);
      if (shown !== undefined) return `[${label}](${address(page, shown, targets)}${anchor && `#${slug(anchor)}`})`;
      if (targets.repository === undefined) return label;
      return `[${label}](${targets.repository}/blob/main/${file}${anchor && `#${anchor}`})`;
    }),
  );
}

/** From one page of the site to another. */
function address(page: string, shown: string, { pages }: LinkTargets): string {
  const from = posix.dirname(pages.get(page) ?? "");
  const relative = posix.relative(from, shown);
  return relative.startsWith(".") ? relative : `./${relative}`;
}

/** The text with `change` made wherever there is no code. */
export function outsideCode(markdown: string, change: (text: string) => string): string {
  const parts = markdown.split(/(^```[\s\S]*?^```$|`[^`\n]+`)/m);
  // A label may hold code: what is between two links' code is joined again, so links are found over whole lines.
  const kept: string[] = [];
  const masked = parts.map((part, index) => (index % 2 === 0 ? part : `\u0000${kept.push(part) - 1}\u0000`)).join("");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a character that no page has
  return change(masked).replace(/\u0000(\d+)\u0000/g, (_, number: string) => kept[Number(number)] ?? "");
}
