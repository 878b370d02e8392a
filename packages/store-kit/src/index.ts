export { type InputChecks, inputChecks } from "./checks.ts";
export { Listeners } from "./listeners.ts";
export { dueCursor, endOfPrefix, pageOf, placeOf } from "./pages.ts";
