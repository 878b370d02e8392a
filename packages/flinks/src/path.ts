import { misconfigured } from "@linkwright/core";

/**
 * Ids as one segment of a path, several with commas between.
 *
 * @throws {ConnectorError} `configuration` for none, an empty one, and dots, which a URL would resolve to another path.
 */
export function segment(name: string, ids: string | number | readonly (string | number)[]): string {
  const parts = [ids].flat().map(String);
  if (parts.length === 0 || parts.some((part) => /^\.{0,2}$/.test(part)))
    throw misconfigured(`flinks: ${name} is no id; give the one that Flinks uses`, { provider: "flinks" });
  return parts.map(encodeURIComponent).join(",");
}
