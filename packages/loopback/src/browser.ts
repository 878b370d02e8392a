/**
 * Opens the user's own browser at the address, never a window of the application's (RFC 8252, section 8.12). There may be no
 * browser on this machine: the address is shown to the user as well, so that is no failure.
 */
export async function openBrowser(url: string): Promise<void> {
  // What a system opens besides pages is not asked for here, whoever made the address.
  if (!/^https?:$/.test(new URL(url).protocol)) return;
  const { default: open } = await import("open");
  const child = await open(url);
  child.on("error", () => {});
}

/** Shows the address on standard error, where it does not mix with what a program puts out. */
export function printUrl(url: string): void {
  process.stderr.write(`Open this address in a browser on this machine:\n\n  ${url}\n\n`);
}
