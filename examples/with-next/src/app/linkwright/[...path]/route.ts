import { linkwright } from "../../../links.ts";

// #region route
/** Everything below /linkwright, the redirect URI included. */
const handler = (request: Request): Promise<Response> => linkwright().links.handler(request);

export { handler as GET, handler as POST };
// #endregion
