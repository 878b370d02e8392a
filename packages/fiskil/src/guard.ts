import { type ApiRequest, type ConnectionView, ConnectorError } from "@linkwright/core";

/** Without it the version that the team's Console is pinned to would answer. */
export const versionHeader = "x-fiskil-version";

/**
 * Adds what every call needs: the API version and, for a connection, its end user. The token is the application's and opens
 * every end user's data, so a connection's request that names anybody else is refused here, before it is sent.
 */
export function apiRequest(version: string) {
  return (request: ApiRequest, connection?: ConnectionView): ApiRequest => {
    const headers = new Headers(request.headers);
    if (!headers.has(versionHeader)) headers.set(versionHeader, version);
    if (!connection) return { ...request, headers };

    const endUserId = endUserOf(connection);
    const own = { enduserid: endUserId, arrangementid: connection.data.arrangementId };
    const url = new URL(request.url);
    checkPath(url.pathname, own);
    for (const [name, value] of url.searchParams) checkMember(name, value, own, "query");
    checkBody(request, own);
    if (!url.searchParams.has("end_user_id")) url.searchParams.append("end_user_id", endUserId);
    return { ...request, url, headers };
  };
}

/** The end user whose consent a connection is. */
export function endUserOf({ data, account }: ConnectionView): string {
  const id = data.endUserId || account;
  if (!id) throw refused("the connection has no end user yet", "complete its flow first");
  return id;
}

type Own = Readonly<Record<"enduserid" | "arrangementid", string | undefined>>;

function checkPath(path: string, own: Own): void {
  // Who routes the request may decode these once more, and then see another path than was checked.
  if (/%(2f|5c|25|2e)/i.test(path)) throw refused("its path hides a separator or a dot", "write the path plainly");
  const segments = path.split("/").filter((segment) => segment !== "");
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1];
    const collection = plain(segment).toLowerCase();
    if (collection === "end-users" && (next === undefined || plain(next) !== own.enduserid))
      throw refused("its path leads to other end users", elsewhere);
    if (
      (collection === "consent" || collection === "consents") &&
      next !== undefined &&
      plain(next) !== own.arrangementid
    )
      throw refused("its path leads to another arrangement", elsewhere);
  }
}

function plain(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw refused("its path is not well-formed", "encode its parts with encodeURIComponent");
  }
}

function checkBody({ body, hasBody }: ApiRequest, own: Own): void {
  if (body === undefined && hasBody) throw refused("its body cannot be read here", "give the body as a JSON string");
  if (!body) return;
  try {
    JSON.parse(body, (name, value: unknown) => {
      checkMember(name, value, own, "body");
      return value;
    });
  } catch (error) {
    if (error instanceof ConnectorError) throw error;
    throw refused("its body is not JSON, so that it cannot be checked", "send JSON, which is what Fiskil reads");
  }
}

/** Spellings that a tolerant server might take for the same member count as that member: `endUserId`, `END_USER_ID`, `end_user_id[]`. */
function checkMember(name: string, value: unknown, own: Own, place: string): void {
  const member = /(enduserid|arrangementid)s?$/.exec(name.toLowerCase().replace(/[^a-z]/g, ""))?.[1] as
    | keyof Own
    | undefined;
  if (member && value !== own[member])
    throw refused(`its ${place} names another ${member === "enduserid" ? "end user" : "arrangement"}`, elsewhere);
}

const elsewhere = "use the connection of whom it concerns, or the application's own app().fetch";

function refused(why: string, remedy: string): ConnectorError {
  return new ConnectorError({ kind: "permission" }, `fiskil: this request was not sent: ${why}; ${remedy}.`);
}
