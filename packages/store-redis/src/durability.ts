/** What is wrong with a server that may forget what it acknowledged: a cache is set up so, a store must not be. */
export function durabilityWarnings(info: string): string[] {
  const field = (name: string): string => new RegExp(`^${name}:(\\S*)`, "m").exec(info)?.[1] ?? "";
  const warnings: string[] = [];
  const policy = field("maxmemory_policy");
  // Those named volatile-... evict keys that have a time to live, and the store's have none.
  if (policy.startsWith("allkeys-")) {
    warnings.push(
      `The Redis server's maxmemory-policy is ${policy}: when its memory is full it drops records, and with them your ` +
        "users' grants. Set it to noeviction, or give the store a server of its own.",
    );
  }
  if (field("aof_enabled") === "0") {
    warnings.push(
      "The Redis server keeps no append-only file: when it stops, what was written since its last snapshot is lost, or " +
        "everything where it takes none, and with it your users' grants. Set appendonly yes, and appendfsync always " +
        "where not a second's writes may be lost.",
    );
  }
  return warnings;
}
