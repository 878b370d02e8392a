import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { titleOf } from "../site/markdown.ts";
import { folders, groups } from "../site/navigation.ts";
import { repositoryUrl } from "../site/repository.ts";
import { slug } from "../site/slug.ts";

const source = fileURLToPath(new URL("../.site", import.meta.url));
const isThere = ({ page }: { page: string }) => existsSync(join(source, `${page}.md`));

const sidebar = [
  ...groups.map(({ text, entries }) => ({
    text,
    items: entries.filter(isThere).map((entry) => ({ text: entry.text, link: `/${entry.page}` })),
  })),
  ...folders.map(({ text, folder }) => ({
    text,
    collapsed: true,
    items: pagesIn(folder).map((page) => ({
      text: titleOf(readFileSync(join(source, `${page}.md`), "utf8")),
      link: `/${page}`,
    })),
  })),
];

function pagesIn(folder: string): string[] {
  if (!existsSync(join(source, folder))) return [];
  return readdirSync(join(source, folder))
    .filter((name) => name.endsWith(".md") && name !== "index.md")
    .sort()
    .map((name) => `${folder}/${name.replace(/\.md$/, "")}`);
}

const repository = repositoryUrl();

export default defineConfig({
  srcDir: ".site",
  base: (process.env.SITE_BASE ?? "/") as `/${string}/`,
  lang: "en",
  title: "Linkwright",
  description:
    "Connects the users of TypeScript applications to their banks, aggregators and accounting systems, and keeps the connections alive.",
  head: [["link", { rel: "icon", href: `${process.env.SITE_BASE ?? "/"}logo.svg`, type: "image/svg+xml" }]],
  markdown: { anchor: { slugify: slug }, toc: { slugify: slug }, headers: { slugify: slug } },
  themeConfig: {
    logo: "/logo.svg",
    search: { provider: "local" },
    outline: { level: [2, 3] },
    nav: [
      { text: "Guide", link: "/getting-started" },
      { text: "Providers", link: "/providers/fiskil", activeMatch: "/providers/" },
      { text: "Reference", link: "/reference/", activeMatch: "/reference/" },
      { text: "Guarantees", link: "/guarantees" },
    ],
    sidebar,
    ...(repository !== undefined && {
      socialLinks: [
        {
          icon: {
            svg: "<svg viewBox='0 0 24 24'><path fill='currentColor' d='M7 4v9.1A3.5 3.5 0 1 0 9 16.5V13a5 5 0 0 0 3 1h2.1a3.5 3.5 0 1 0 0-2H12a3 3 0 0 1-3-3V4z'/></svg>",
          },
          link: repository,
          ariaLabel: "Repository",
        },
      ],
    }),
    footer: { message: "Apache-2.0" },
  },
});
