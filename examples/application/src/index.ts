export { createApplication } from "./application.ts";
export { type Configuration, type Environment, type RegistrationName, readConfiguration } from "./configuration.ts";
export { buildConnector, type SampleConnector, type Surroundings } from "./connector.ts";
export { type Offer, offersOf } from "./offers.ts";
export { protectiveHeaders, sameOrigin } from "./protection.ts";
export { type RunningApplication, runApplication } from "./running.ts";
export { type Listener, listen } from "./server.ts";
export { type SampleUser, sampleUsers } from "./users.ts";
