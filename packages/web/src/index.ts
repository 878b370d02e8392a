export { createHandlers, type Handler, type Handlers } from "./handlers.ts";
export type { HandlerOptions, StartParameters, StartRequest, Webhooks } from "./options.ts";
export type { Connected, Disconnected, Failed, Outcome } from "./outcome.ts";
export { type FailureCode, statusOf } from "./status.ts";
export type { ConnectionSummary } from "./summary.ts";
