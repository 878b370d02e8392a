/** Small changes to Markdown that readers of the repository and of the site need differently. */

/** What stands under a heading of the second level. @throws Where there is no such heading. */
export function sectionOf(markdown: string, heading: string): string {
  const start = markdown.indexOf(`\n## ${heading}\n`);
  if (start < 0) throw new Error(`README.md has no section "${heading}"`);
  const body = markdown.slice(start + heading.length + 5);
  const end = body.search(/^## /m);
  return (end < 0 ? body : body.slice(0, end)).trim();
}

/** The heading of a page. */
export function titleOf(markdown: string): string {
  return /^# (.+)$/m.exec(markdown)?.[1]?.replace(/[`*]/g, "") ?? "";
}

/** Without what the site does by itself: marks for those who write, and lists of a page's own headings. */
export function withoutMarks(markdown: string): string {
  return markdown
    .replace(/\n*^<!--(?! diagram:)[\s\S]*?-->\n+/gm, "\n\n")
    .replace(/^(?:- \[[^\]]*\]\(#[^)]*\)(?: · \[[^\]]*\]\(#[^)]*\))*\n)+\n?/gm, "");
}
