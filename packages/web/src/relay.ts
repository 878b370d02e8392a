import { page, policy } from "./answers.ts";
import { relayPage, submitHash } from "./pages.ts";

/** A field of the relayed form, so that none is relayed twice. */
const mark = "linkwright-relayed";

/**
 * A callback comes from the provider's site, and cookies that are `Lax` do not come with a form post from there, `Strict` ones
 * with nothing. Where the owner or the binding is missing for that reason, a page of ours sends the same callback once more:
 * from this origin, with all of its cookies. The alternative, `SameSite=None`, would have every site's requests carry the
 * binding, and would not bring the application's own cookies along.
 */
export function relay(request: Request, redirectUri: string, parameters: URLSearchParams): Response | undefined {
  // What is sent from here had every cookie that there is.
  if (parameters.has(mark) || request.headers.get("sec-fetch-site") === "same-origin") return undefined;
  const { pathname } = new URL(redirectUri);
  return page(relayPage(pathname, [...parameters, [mark, "1"]]), 200, {
    "content-security-policy": policy({ script: submitHash, formAction: "'self'" }),
  });
}

/** The parameters as the provider sent them. */
export function unmarked(parameters: URLSearchParams): URLSearchParams {
  const own = new URLSearchParams(parameters);
  own.delete(mark);
  return own;
}
