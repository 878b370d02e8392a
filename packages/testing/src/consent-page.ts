import { html } from "hono/html";

/** A page a person can read and click without JavaScript. */
export interface ConsentPage {
  /** The provider's name. */
  readonly provider: string;
  /** The client's name. */
  readonly client: string;
  /** What is asked for, one line each. */
  readonly asked?: readonly string[];
  /** Scopes that the user may untick. */
  readonly scopes?: readonly string[];
  /** What is picked from a list, by the name that is posted; the first option is chosen. */
  readonly choices?: readonly ConsentChoice[];
  /** Ways to end beside approving and denying: the value that is posted, and its label. */
  readonly outcomes?: readonly (readonly [value: string, label: string])[];
  /** Whether there is a plain denial. Default true. */
  readonly deny?: boolean;
}

export interface ConsentChoice {
  readonly name: string;
  readonly label: string;
  readonly options: readonly (readonly [value: string, label: string])[];
}

/** The choice of who signs in. */
export function whoSignsIn(users: readonly string[]): ConsentChoice {
  return { name: "user", label: "Sign in as", options: users.map((user) => [user, user]) };
}

/** The consent page. Its form posts to the address that it was read from. */
export function consentPage(page: ConsentPage) {
  const { provider, client, asked = [], scopes = [], choices = [], outcomes = [], deny = true } = page;
  return layout(
    `${provider}: connect ${client}`,
    html`<h1>${client} asks for access to your ${provider} account</h1>
      <p>This is a simulator. Nothing here is real, and no password is asked for.</p>
      ${asked.length > 0 ? html`<ul>${asked.map((line) => html`<li>${line}</li>`)}</ul>` : ""}
      <form method="post">
        ${choices.map(
          ({ name, label, options }) =>
            html`<p>
              <label for="${name}">${label}</label>
              <select id="${name}" name="${name}">
                ${options.map(([value, text]) => html`<option value="${value}">${text}</option>`)}
              </select>
            </p>`,
        )}
        ${
          scopes.length > 0
            ? html`<fieldset>
              <legend>Allow</legend>
              ${scopes.map(
                (scope) =>
                  html`<p><label><input type="checkbox" name="scope" value="${scope}" checked /> ${scope}</label></p>`,
              )}
            </fieldset>`
            : ""
        }
        <p>
          <button class="main" name="decision" value="approve">Approve</button>
          ${deny ? html`<button name="decision" value="deny">Deny</button>` : ""}
        </p>
        ${
          outcomes.length > 0
            ? html`<details>
              <summary>Let it end otherwise</summary>
              ${outcomes.map(([value, label]) => html`<p><button name="decision" value="${value}">${label}</button></p>`)}
            </details>`
            : ""
        }
      </form>`,
  );
}

/** A page that only says something. */
export function messagePage(title: string, message: string) {
  return layout(title, html`<h1>${title}</h1><p>${message}</p>`);
}

function layout(title: string, body: ReturnType<typeof html>) {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>${title}</title>
    <style>
      body { font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
      h1 { font-size: 1.4rem; line-height: 1.3 }
      button { font: inherit; padding: .5rem 1.25rem; border: 1px solid #555; border-radius: .4rem; background: #fff; color: inherit }
      button.main { background: #0b57d0; border-color: #0b57d0; color: #fff }
      button:focus-visible, select:focus-visible, input:focus-visible { outline: 3px solid #f5a623; outline-offset: 2px }
      select { font: inherit; padding: .3rem }
    </style>
  </head>
  <body>
    <main>${body}</main>
  </body>
</html>`;
}
