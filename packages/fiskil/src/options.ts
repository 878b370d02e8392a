import { misconfigured, Secret, type SecretSource } from "@linkwright/core";
import * as z from "zod";

/**
 * What the adapter has to know. Where Fiskil documents no value, the default says so.
 *
 * @see `docs/providers/fiskil.md` for the whole table.
 */
export interface FiskilOptions {
  /** The API key's client id, from the Fiskil Console. */
  readonly clientId: string;
  /** The API key's secret: text, a `Secret`, or a function that is asked at each need. */
  readonly clientSecret: SecretSource;
  /** Where the browser returns after consenting: https, or http on loopback; without a fragment and without `state` or `session_id`. */
  readonly redirectUri: string;
  /** Where it returns after a refusal. Default: `redirectUri`. */
  readonly cancelUri?: string | undefined;
  /** The webhook signing secret as the Console shows it: base64 text. Needed by `webhook` alone. */
  readonly webhookSecret?: SecretSource | undefined;
  /**
   * Refuses webhook messages whose `publish_time` is further than this many seconds from now, or missing. At least 3600, since a
   * message is delivered for up to about an hour; at most 604800, for which ids of messages are remembered. Default: 86400.
   */
  readonly webhookTolerance?: number | undefined;
  /** The team's id, which listing institutions needs. Default: the client id; whether Fiskil takes that is not documented. */
  readonly teamId?: string | undefined;
  /** The API's origin. Default: `https://api.fiskil.com`. */
  readonly baseUrl?: string | undefined;
  /** The origin of the consent pages. A session whose `auth_url` leads elsewhere is refused. Default: `https://auth.fiskil.com`. */
  readonly authOrigin?: string | undefined;
  /** Sent as `X-Fiskil-Version`: a major version, such as `"v3"`, which is the default. */
  readonly apiVersion?: string | undefined;
  /** Seconds for which a token is good whose answer does not say. Default: 900, as documented. */
  readonly tokenLifetime?: number | undefined;
  /**
   * Seconds by which this machine's clock may run ahead of Fiskil's. A consent counts as a flow's own if it is no older than
   * the flow's start less this. Default: 60; not a documented value.
   */
  readonly clockSkew?: number | undefined;
  /**
   * How products are reached: method and path, with `{productId}` in the path. Only the list's is documented, so the others
   * are assumptions: see {@link productRoutes}.
   */
  readonly productRoutes?: Partial<ProductRoutes> | undefined;
}

/** Method and path of each operation on products. */
export type ProductRoutes = Readonly<Record<"list" | "create" | "update" | "delete", string>>;

/** The default routes of the Platform API. `list` is documented, the rest assumed. */
export const productRoutes: ProductRoutes = {
  list: "GET /v1/data-provider/cdr/products",
  create: "POST /v1/data-provider/cdr/products",
  update: "PUT /v1/data-provider/cdr/products/{productId}",
  delete: "DELETE /v1/data-provider/cdr/products/{productId}",
};

/** Options with defaults filled in. */
export type Settings = Readonly<z.output<typeof settings>>;

const text = (remedy: string) => z.string(remedy).min(1, remedy);

const secret = (remedy: string) =>
  z.custom<SecretSource>(
    (value) => typeof value === "function" || value instanceof Secret || (typeof value === "string" && value !== ""),
    remedy,
  );

const origin = (remedy: string) =>
  text(remedy)
    .refine((value) => secureUrl(value)?.href === `${secureUrl(value)?.origin}/`, remedy)
    .transform((value) => new URL(value).origin);

const returnUri = (remedy: string) =>
  text(remedy).refine((value) => {
    const url = secureUrl(value);
    return (
      url && !value.includes("#") && !["state", "session_id", "sess_id"].some((name) => url.searchParams.has(name))
    );
  }, remedy);

const seconds = (least: number, remedy: string) => z.number(remedy).min(least, remedy);

const route = (name: keyof ProductRoutes) =>
  z
    .string()
    .regex(/^[A-Z]+ \/\S+$/, `must be a method and a path, such as "${productRoutes[name]}"`)
    .default(productRoutes[name]);

const returnRemedy =
  "must be an absolute https URL (http on loopback) without a fragment and without state or session_id";

const settings = z.strictObject({
  clientId: text("is missing; give the API key's client id from the Fiskil Console"),
  clientSecret: secret("is missing; give the API key's secret, or a function that returns it"),
  redirectUri: text("is missing; give the URL at which your application receives the browser").pipe(
    returnUri(returnRemedy),
  ),
  cancelUri: returnUri(returnRemedy).optional(),
  webhookSecret: secret("must be the signing secret from the Console, or a function that returns it").optional(),
  webhookTolerance: seconds(3600, "must be at least 3600 seconds, so that late deliveries are not lost")
    .max(604_800, "must be at most 604800 seconds: after these, a message would not be known again")
    .default(86_400),
  teamId: text("must be the team's id, or be left out").optional(),
  baseUrl: origin("must be an https origin (http on loopback), without a path").default("https://api.fiskil.com"),
  authOrigin: origin("must be an https origin (http on loopback), without a path").default("https://auth.fiskil.com"),
  apiVersion: z
    .string()
    .regex(/^v\d+$/, 'must be a major version, such as "v3"')
    .default("v3"),
  tokenLifetime: seconds(1, "must be a positive number of seconds").default(900),
  clockSkew: seconds(0, "must be a number of seconds, 0 or more").default(60),
  productRoutes: z
    .strictObject({ list: route("list"), create: route("create"), update: route("update"), delete: route("delete") })
    .prefault({}),
});

/**
 * Checks the options and fills in defaults.
 *
 * @throws {ConnectorError} `configuration`, naming the option and the remedy; never its value.
 */
export function checkOptions(options: FiskilOptions): Settings {
  const result = settings.safeParse(options);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === "unrecognized_keys")
    throw misconfigured(
      `fiskil: option ${[...issue.path, issue.keys[0]].join(".")} is not known; see the table of options`,
    );
  throw misconfigured(`fiskil: option ${issue?.path.join(".") || "object"} ${issue?.message}`);
}

/** https, or http on this machine's own loopback, where simulators run. */
function secureUrl(value: string): URL | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const loopback = url && /^(localhost|\[::1\]|127(\.\d+){3})$/.test(url.hostname);
  return url?.protocol === "https:" || (loopback && url.protocol === "http:") ? url : undefined;
}
