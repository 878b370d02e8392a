import { demonstrate } from "../../src/demonstration.ts";

/** The demo in a world where Flinks forgets refresh tokens after ten days. */
process.exitCode = await demonstrate({
  prepare({ simulators }) {
    simulators.flinks.switches.refresh = { kind: "fixed", idleTimeout: 10 * 86_400_000 };
  },
});
