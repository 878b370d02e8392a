import { actOnConsent } from "@linkwright/testing";

/** What the program opens in the place of a browser: a user who agrees to all, and is sent back. */
await fetch(await actOnConsent(process.argv[2] ?? ""));
