export {
  connectThroughLoopback,
  type LoopbackConnector,
  type LoopbackOptions,
  type LoopbackProvider,
  type LoopbackRequest,
} from "./connect.ts";
export { freeLoopbackPort } from "./listen.ts";
