import type { Context, Hono } from "hono";
import { consentPage, messagePage, whoSignsIn } from "../consent-page.ts";
import { type AuthorizationRequest, type AuthorizationRules, callback, readAuthorizationRequest } from "./authorize.ts";
import { OAuthError } from "./error.ts";
import type { Consent, Grants } from "./grants.ts";

/** The front channel of a provider: what it checks, what it shows, and what the user's answer leads to. */
export interface AuthorizationPage {
  readonly path: string;
  readonly provider: string;
  readonly grants: Grants;
  /** Read at each request. */
  readonly rules: () => AuthorizationRules;
  readonly users: () => readonly string[];
  /** Whether the user may untick scopes. */
  readonly untick: boolean;
  readonly outcomes: readonly (readonly [error: string, label: string])[];
  readonly asked?: (query: URLSearchParams) => readonly string[];
  /** The last word on what is granted; throws an OAuthError to send the user back without. */
  readonly grant?: (consent: Consent, query: URLSearchParams) => Consent;
  /** Default: a page for the user. */
  readonly unredirectable?: (error: OAuthError) => Response;
}

/** Serves the authorization endpoint: a page at GET, the decision at POST, a redirect at the end. */
export function serveAuthorizationPage(app: Hono, page: AuthorizationPage): void {
  const serve = (
    context: Context,
    answer: (request: AuthorizationRequest, query: URLSearchParams) => Promise<Response>,
  ) => {
    const query = new URL(context.req.url).searchParams;
    const outcome = readAuthorizationRequest(query, page.rules());
    if (outcome.kind === "redirect") return context.redirect(outcome.url);
    if (outcome.kind === "ask") return answer(outcome.request, query);
    if (page.unredirectable) return page.unredirectable(outcome.error);
    return context.html(messagePage("This request cannot be served", outcome.error.message), 400);
  };

  app.get(page.path, (context) =>
    serve(context, async ({ client, scope }, query) =>
      context.html(
        consentPage({
          provider: page.provider,
          client: client.name,
          asked: [...(page.asked?.(query) ?? []), ...(page.untick ? [] : scope)],
          scopes: page.untick ? scope : [],
          choices: [whoSignsIn(page.users())],
          outcomes: page.outcomes,
        }),
      ),
    ),
  );

  app.post(page.path, (context) =>
    serve(context, async (request, query) => {
      const form = await context.req.formData();
      const text = (name: string) => {
        const value = form.get(name);
        return typeof value === "string" && value !== "" ? value : undefined;
      };
      const back = (parameters: Record<string, string | undefined>) =>
        context.redirect(callback(request.redirectUri, { ...parameters, state: request.state, iss: page.rules().iss }));
      try {
        const decision = text("decision") ?? "deny";
        if (decision !== "approve") {
          const error = decision === "deny" ? "access_denied" : decision;
          throw new OAuthError(error, text("error_description") ?? `The simulator was asked for ${error}.`);
        }
        const ticked = form.getAll("scope");
        const consent: Consent = {
          client: request.client,
          redirectUri: request.redirectUri,
          scope: page.untick ? request.scope.filter((one) => ticked.includes(one)) : request.scope,
          subject: text("user") ?? page.users()[0] ?? "user",
          ...(request.codeChallenge !== undefined && { codeChallenge: request.codeChallenge }),
        };
        return back({ code: page.grants.issueCode(page.grant?.(consent, query) ?? consent) });
      } catch (error) {
        if (error instanceof OAuthError) return back(error.parameters);
        throw error;
      }
    }),
  );
}
