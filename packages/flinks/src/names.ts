/** Flinks writes `provider_id` in one version and `providerId` in the next; here it is always the latter. Only the outer members. */
export function camelCased(json: unknown): unknown {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  return renamed(json, (name) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
}

/** The way back. */
export function snakeCased(object: object): Record<string, unknown> {
  return renamed(object, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

/** What is not said is left out. */
function renamed(object: object, rename: (name: string) => string): Record<string, unknown> {
  const said = Object.entries(object).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(said.map(([name, value]) => [rename(name), value]));
}
