import { escaped } from "./encoding.ts";

/** Pages without style and, but for one, without script: nothing to load, nothing that a policy has to allow. */

function layout(title: string, body: string, head = ""): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escaped(title)}</title>${head}
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
${body}
</main>
</body>
</html>
`;
}

/**
 * Sends the browser on by itself, with a link beside. Not by a redirect: the `form-action` of the page that the form was on
 * would have to name every bank, since browsers hold redirects behind a form to it (Content Security Policy 3, section 6.4.1).
 */
export const departurePage = (url: string): string =>
  layout(
    "On to your provider",
    `<p><a id="onward" href="${escaped(url)}" rel="noreferrer">Continue</a></p>`,
    `\n<meta http-equiv="refresh" content="0;url=${escaped(url)}">`,
  );

/** What went wrong, what was said of it, and a way back. */
export const failurePage = (title: string, remedy: string, said: string | undefined, wayBack: string): string =>
  layout(
    title,
    `<p>${escaped(remedy)}</p>${said === undefined ? "" : `\n<p><small>${escaped(said)}</small></p>`}
<p><a href="${escaped(wayBack)}">Back</a></p>`,
  );

/** A field named "submit" would stand in the way of the form's own. */
const submit = "HTMLFormElement.prototype.submit.call(document.forms[0])";

/** What allows that script and no other; a test compares. */
export const submitHash = "'sha256-ox4bri+xTrW3kuLTyRoak73QX8KZGuyP3JlQYusbSlA='";

/** A form that sends itself, with a button beside. */
export const relayPage = (action: string, fields: Iterable<readonly [string, string]>): string =>
  layout(
    "One moment",
    `<form method="post" action="${escaped(action)}">
${[...fields].map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`).join("\n")}
<button>Continue</button>
</form>
<script>${submit}</script>`,
  );
