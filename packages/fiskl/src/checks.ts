import { hideSecret, isSecret, misconfigured, revealSecret, type Secret, type SecretSource } from "@linkwright/core";

/** @throws {ConnectorError} `configuration`, naming the option and the remedy; never its value. */
export function bad(option: string, complaint: string): never {
  throw misconfigured(`fiskl: option ${option} ${complaint}`, { provider: "fiskl" });
}

export function oneOf<T extends string | boolean>(option: string, allowed: readonly T[], value: T): T {
  return allowed.includes(value)
    ? value
    : bad(option, `must be one of ${allowed.map((one) => JSON.stringify(one)).join(", ")}`);
}

/** An absolute URL over TLS, or over loopback: whether the latter is allowed is the connector's decision. */
export function url(option: string, value: unknown): string {
  const href = URL.parse(String(value))?.href ?? "";
  if (!/^(https:|http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/])[^#]*$/.test(href))
    bad(option, "must be an absolute https URL without a fragment");
  return value as string;
}

/** Fiskl's own rule: https, or plain http to the name `localhost`. The match is exact, so the text is kept as it is. */
export function redirectUri(value: unknown): string {
  const text = url("redirectUri", value);
  const { protocol, hostname } = new URL(text);
  if (protocol === "https:" || hostname === "localhost") return text;
  return bad(
    "redirectUri",
    `uses ${hostname}; Fiskl takes plain http for the name localhost alone, so write http://localhost`,
  );
}

/** The API's origin. The web app's host answers API paths with pages and status 200. */
export function apiOrigin(value: unknown): string {
  const { origin, href, hostname } = new URL(url("baseUrl", value));
  if (hostname === "my.fiskl.com") bad("baseUrl", "is the web app, not the API; give https://api.fiskl.com");
  return href === `${origin}/` ? origin : bad("baseUrl", `must be an origin alone; give "${origin}"`);
}

const looksLikeKey = (text: string) => text.startsWith("fsk_");

export function clientId(value: unknown): string {
  if (typeof value !== "string" || value === "")
    return bad("clientId", "is missing; give the connected app's client id");
  if (looksLikeKey(value))
    bad(
      "clientId",
      'holds an API key (fsk_...); give the connected app\'s client id, or use client: "key" with apiKey',
    );
  return value;
}

export function clientSecret(source: SecretSource): Exclude<SecretSource, string> {
  return checkedSecret("clientSecret", source, (text) => {
    if (looksLikeKey(text))
      bad(
        "clientSecret",
        'holds an API key (fsk_...); give the connected app\'s secret, or use client: "key" with apiKey',
      );
  });
}

export function apiKey(source: SecretSource): Exclude<SecretSource, string> {
  return checkedSecret("apiKey", source, (text) => {
    if (!/^fsk_[\x21-\x7e]+$/.test(text))
      bad(
        "apiKey",
        'holds no API key: those begin with fsk_; for a connected app use client: "confidential" or "public"',
      );
  });
}

/** Checks a secret now where it is at hand, else each time that its function gives it. */
export function checkedSecret(
  option: string,
  source: SecretSource,
  check: (text: string) => void,
): Exclude<SecretSource, string> {
  const vetted = (value: string | Secret) => {
    const text = isSecret(value) ? value.reveal() : value;
    if (typeof text !== "string" || text === "") bad(option, "is missing; give its text, a Secret, or a function");
    check(text);
    return hideSecret(value) as Secret;
  };
  return typeof source === "function" ? async () => vetted(await revealSecret(source)) : vetted(source);
}
