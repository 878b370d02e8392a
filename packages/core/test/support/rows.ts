import { type Row, rowFormat } from "../../src/record.ts";

/** When its tokens came. */
export const issued = 1_000_000_000;

/** A connection's row in its fifth generation, with tokens that came just now and good for five minutes. */
export const freshRow: Row = {
  format: rowFormat,
  kind: "connection",
  id: "c",
  registration: "r",
  provider: "p",
  client: "client",
  owner: "o",
  createdAt: 0,
  generation: 5,
  granted: { generation: 1, at: 0 },
  claims: 0,
  state: "active",
  since: 0,
  token: { issuedAt: issued, expiresAt: issued + 300_000 },
  refresh: { fingerprint: "five", usedAt: issued },
  scope: { requested: [] },
  data: {},
  refs: [],
};
