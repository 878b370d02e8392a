import type { Index } from "@linkwright/core";

/**
 * The index is one sorted set whose members all have the score 0, so that Redis keeps them in the order of their bytes. Each
 * member is what a record is found by, followed by the record's key: a list and the due records are ranges of it, in order,
 * and a place in them is a member and not a count.
 */
export const facet = {
  all: "k",
  // As JSON a text ends where it says it does, and none is the beginning of another.
  owner: (owner: string) => `o${JSON.stringify(owner)}`,
  registration: (registration: string) => `g${JSON.stringify(registration)}`,
  ref: (ref: string) => `r${JSON.stringify(ref)}`,
  due: (at: number) => `d${sortable(at)}`,
  expiry: (at: number) => `e${sortable(at)}`,
} as const;

/** What precedes the key in every member for this record. */
export function facetsOf({ owner, registration, refs = [], dueAt, expiresAt }: Index): string[] {
  const facets: string[] = [facet.all];
  if (owner !== undefined) facets.push(facet.owner(owner));
  if (registration !== undefined) facets.push(facet.registration(registration));
  for (const ref of new Set(refs)) facets.push(facet.ref(ref));
  if (dueAt !== undefined) facets.push(facet.due(dueAt));
  if (expiresAt !== undefined) facets.push(facet.expiry(expiresAt));
  return facets;
}

const view = new DataView(new ArrayBuffer(8));

/** 16 characters that sort as the numbers do: the bits of a double, those of a negative one turned over. */
export function sortable(number: number): string {
  // Adding 0 makes one zero of the two.
  view.setFloat64(0, number + 0);
  const [high, low] = [view.getUint32(0), view.getUint32(4)];
  return high < 0x80000000 ? hex(high + 0x80000000) + hex(low) : hex(~high >>> 0) + hex(~low >>> 0);
}

/** 32 bits as eight digits. */
function hex(bits: number): string {
  return bits.toString(16).padStart(8, "0");
}
