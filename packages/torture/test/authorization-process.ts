import { isConnectorError, systemClock } from "@linkwright/core";
import { openStore, type StoreAddress } from "../src/stores.ts";
import { application, session } from "./authorization-application.ts";

/** One machine of an application: finishes the authorizations whose callbacks reach it. */
const { address, origin } = JSON.parse(process.argv[2] ?? "") as { address: StoreAddress; origin: string };
const store = openStore(address, systemClock);
const connector = application(store, origin);

process.on("message", async (callback: string) => {
  const outcome = await connector.complete(callback, { session }).then(
    ({ id }) => ({ id }),
    (error: unknown) => ({ fault: isConnectorError(error) ? error.fault : String(error) }),
  );
  process.send?.(outcome);
});
process.on("disconnect", () => connector.close());
process.send?.("ready");
