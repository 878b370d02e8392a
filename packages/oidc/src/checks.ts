import { misconfigured } from "@linkwright/core";
import * as z from "zod/mini";
import { isCryptoKey, signingAlgorithms } from "./client-key.ts";
import type { OidcOptions } from "./options.ts";

/** @throws {ConnectorError} `configuration`, naming the option and the remedy; never its value. */
export function bad(option: string, complaint: string): never {
  throw misconfigured(`oidc: option ${option} ${complaint}`, { provider: "oidc" });
}

const text = (complaint: string) => z.string(complaint).check(z.minLength(1, complaint));
const https = z
  .string("is missing; give an absolute https URL")
  .check(
    z.refine(
      (value) => /^https?:$/.test(URL.parse(value)?.protocol ?? "") && !value.includes("#"),
      "must be an absolute https URL without a fragment",
    ),
  );
const scope = z.optional(
  z.array(
    z
      .string("must hold texts")
      .check(
        z.regex(
          /^[\x21\x23-\x5b\x5d-\x7e]+$/,
          "holds something that is no scope (RFC 6749, section 3.3); give each one by itself",
        ),
      ),
    'must be a list, such as ["openid", "offline_access"]',
  ),
);
const resource = z
  .string("must be a URI")
  .check(
    z.refine(
      (value) => URL.canParse(value) && !value.includes("#"),
      "must be an absolute URI without a fragment (RFC 8707, section 2)",
    ),
  );
const toggle = z.optional(z.boolean("must be true or false"));
const secret = z.custom(
  (value) =>
    value !== "" && (["string", "function"].includes(typeof value) || isSecretLike(value) || isCryptoKey(value)),
  "is missing; give its text, a Secret, a function, or a CryptoKey",
);
const clientKey = z.strictObject({
  key: secret,
  keyId: z.optional(text("must be a text")),
  algorithm: z.optional(z.enum(signingAlgorithms, `must be one of ${signingAlgorithms.join(", ")}`)),
});
const object = (complaint: string) => z.custom((value) => typeof value === "object" && value !== null, complaint);

const schema = z.strictObject({
  issuer: https,
  discovery: z.optional(z.enum(["oidc", "oauth2"], 'must be "oidc" or "oauth2"')),
  metadata: z.optional(z.record(z.string(), z.unknown(), "must be an object of metadata members")),
  id: z.optional(z.string("must be a text").check(z.regex(/^[a-z][a-z0-9-]*$/, "must be a lower-case name"))),
  clientId: text("is missing; give the client_id that the server issued"),
  authentication: z.custom(
    (value) => typeof (value as { apply?: unknown } | undefined)?.apply === "function",
    "is missing; give privateKeyJwt({ key }), tlsClientAuth(), clientSecretBasic(secret), clientSecretPost(secret) or publicClient()",
  ),
  clientMetadata: z.optional(object("must be an object of client metadata")),
  fetch: z.optional(z.custom((value) => typeof value === "function", "must be a function like fetch")),
  mtls: toggle,
  redirectUri: z.optional(text("must be the registered redirect URI")),
  scope,
  resource: z.optional(
    z.union(
      [resource, z.array(resource).check(z.minLength(1, "is empty; leave it out"))],
      "must be an absolute URI without a fragment (RFC 8707, section 2), or a list of them",
    ),
  ),
  resourceIndicators: toggle,
  authorizationParameters: z.optional(z.record(z.string(), z.string("must hold texts"), "must be an object of texts")),
  clientCredentials: z.optional(z.strictObject({ scope }, "must be an object: { scope }")),
  refreshToken: z.optional(z.union([z.literal(false), object("")], "must be false or an object: { rotation }")),
  api: z.optional(z.union([https, object("")], "must be the API's base, an absolute https URL, or its definition")),
  profile: z.optional(z.enum(["fapi2", "fapi2-message-signing"], 'must be "fapi2" or "fapi2-message-signing"')),
  par: toggle,
  jar: z.optional(z.union([z.boolean(), clientKey], "must be true, false, or a key: { key }")),
  jarm: toggle,
  dpop: z.optional(
    z.union([z.boolean(), z.enum(["ES256", "Ed25519", "PS256"])], 'must be true, false, "ES256", "Ed25519" or "PS256"'),
  ),
});

/**
 * Checks options one by one.
 *
 * @throws {ConnectorError} `configuration`, for the first that is wrong.
 */
export function checkOptions(options: OidcOptions): void {
  const [issue] = schema.safeParse(options ?? {}).error?.issues ?? [];
  if (!issue) return;
  if (issue.code === "unrecognized_keys") bad([...issue.path, issue.keys[0]].join("."), "is not known");
  bad(issue.path.join(".") || "s", issue.message);
}

function isSecretLike(value: unknown): boolean {
  return typeof value === "object" && value !== null && "reveal" in value;
}
