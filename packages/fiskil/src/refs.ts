/** Names by which a webhook finds its connections. Kept as digests, so their form must stay for ever. */
export const refs = {
  endUser: (id: string) => `end_user:${id}`,
  consent: (id: string) => `consent:${id}`,
  arrangement: (id: string) => `arrangement:${id}`,
};
