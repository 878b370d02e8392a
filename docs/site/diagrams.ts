import { renderMermaidSVG } from "beautiful-mermaid";

const fence = /^(?:<!-- diagram: (.+) -->\n\n?)?^```mermaid\n([\s\S]*?)^```$/gm;

/**
 * The page with its Mermaid diagrams drawn: SVG in the page, in the page's own colours and font, and named for those who do not
 * see it by the comment before it.
 *
 * @throws Where a diagram has no such comment, or cannot be drawn.
 */
export function drawDiagrams(markdown: string, page: string): string {
  return markdown.replace(fence, (_, name: string | undefined, source: string) => {
    if (name === undefined) throw new Error(`${page}: a diagram has no <!-- diagram: what it shows --> before it`);
    return `<figure class="diagram" v-pre>${drawn(source, name)}</figure>`;
  });
}

/** Of its own width a label has 11 pixels; this much larger it reads well. */
const scale = 1.2;

function drawn(source: string, name: string): string {
  const svg = renderMermaidSVG(source, { transparent: true, padding: 8 })
    // Its style asks for a font from elsewhere; the theme has its own.
    .replace(/<style>[\s\S]*?<\/style>/, "")
    .replace(/\s*\n\s*/g, "");
  const [, viewBox = "", width = ""] = /^<svg [^>]*viewBox="([^"]*)" width="([^"]*)"/.exec(svg) ?? [];
  const open = `<svg viewBox="${viewBox}" style="--width:${Math.ceil(Number(width) * scale)}px" role="img" aria-label="${escaped(name)}">`;
  return svg.replace(/^<svg [^>]*>/, open);
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
