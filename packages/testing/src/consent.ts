/** What the user does on a consent page. */
export interface ConsentDecision {
  /** `approve` (the default), `deny`, or another way to end that the provider's page offers. */
  readonly decision?: string;
  /** The scopes that stay ticked. Default: all that the page shows. */
  readonly scopes?: readonly string[];
  /** Who signs in. Default: the page's first. */
  readonly user?: string;
  /** Which bank, where the page lets the user choose. Default: its first. */
  readonly institution?: string;
  /** Instead of the provider's own `error_description`, where the decision is an error. */
  readonly description?: string;
}

/**
 * Acts for the user: reads the page at `url` over HTTP, decides, and follows no redirect.
 *
 * @param fetch - For a page that is elsewhere than its address says.
 * @returns The URL that the browser would be sent to, with code or error.
 * @throws Where the server shows an error to the user instead of asking; the message is the page's text.
 */
export async function actOnConsent(
  url: string | URL,
  decision: ConsentDecision = {},
  fetch: (url: string | URL, init: RequestInit) => Promise<Response> = globalThis.fetch,
): Promise<string> {
  const page = await fetch(url, { redirect: "manual" });
  const text = await page.text();
  const early = page.headers.get("location");
  if (early !== null) return new URL(early, url).href;
  if (!page.ok) throw new Error(`${page.status}: ${textOf(text)}`);

  const form = new URLSearchParams({ decision: decision.decision ?? "approve" });
  for (const [, name = "", first = ""] of text.matchAll(
    /<select[^>]* name="([^"]*)"[^>]*>\s*<option value="([^"]*)"/g,
  )) {
    const chosen = name === "user" ? decision.user : name === "institution" ? decision.institution : undefined;
    form.set(name, chosen ?? unescaped(first));
  }
  const shown = [...text.matchAll(/name="scope" value="([^"]*)"/g)].map(([, scope = ""]) => unescaped(scope));
  for (const scope of decision.scopes ?? shown) form.append("scope", scope);
  if (decision.description !== undefined) form.set("error_description", decision.description);

  const answer = await fetch(url, { method: "POST", body: form, redirect: "manual" });
  const location = answer.headers.get("location");
  if (location === null) throw new Error(`${answer.status}: ${textOf(await answer.text())}`);
  return location;
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name] ?? "");
}

function textOf(page: string): string {
  return page
    .replace(/<style>[\s\S]*?<\/style>/g, " ")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}
