/** A refusal in the RFC's words: `error` and `error_description`, at the status that it is sent with (RFC 6749 §5.2). */
export class OAuthError extends Error {
  readonly error: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(error: string, description: string, status = 400, headers: Readonly<Record<string, string>> = {}) {
    super(description);
    this.error = error;
    this.status = status;
    this.headers = headers;
  }

  /** As the body of an answer, or as parameters of a redirect. */
  get parameters(): { error: string; error_description: string } {
    return { error: this.error, error_description: this.message };
  }
}

/** The refusal as an answer; anything else that was thrown passes on. */
export function refusalResponse(thrown: unknown): Response {
  if (!(thrown instanceof OAuthError)) throw thrown;
  return Response.json(thrown.parameters, {
    status: thrown.status,
    headers: { "cache-control": "no-store", ...thrown.headers },
  });
}
