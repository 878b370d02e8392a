import { stripTypeScriptTypes } from "node:module";

/** For Jest: TypeScript without its types, as Node itself runs it. */
export default {
  process: (source) => ({ code: stripTypeScriptTypes(source) }),
};
