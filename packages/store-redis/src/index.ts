export type { RedisClient, RedisStoreOptions, RedisSubscriber } from "./options.ts";
export { redisStore } from "./redis-store.ts";
