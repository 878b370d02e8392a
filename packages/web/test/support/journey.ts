import { expect } from "vitest";
import { createBrowser } from "./browser.ts";
import type { Example } from "./example.ts";
import { onwardOf } from "./house.ts";

/** A whole link over HTTP, from the application's page to the end, and what must not pass on the way. */
export async function travel({ origin, books, output }: Example): Promise<void> {
  const signedIn = (user?: string) => {
    const browser = createBrowser(origin, (request) => fetch(request, { redirect: "manual" }));
    if (user !== undefined) browser.cookies.set("user", { value: user, sameSite: "Lax" });
    return browser;
  };
  const list = async (browser = ada) => {
    const { connections } = (await (await browser.open("/linkwright/connections")).json()) as {
      connections: { id: string; health: string }[];
    };
    return connections;
  };
  const ada = signedIn("ada");

  // The page's own form begins it, for whoever is signed in.
  const page = await (await ada.open("/", { from: "none" })).text();
  expect(page).toContain('action="/linkwright/start/books"');
  const form = { returnTo: "/?linked" };
  expect((await signedIn().submit("/linkwright/start/books", form)).status).toBe(401);
  expect((await ada.submit("/linkwright/start/books", form, { from: "cross-site" })).status).toBe(403);
  expect((await ada.open("/linkwright/start/books")).status).toBe(405);
  const departure = await ada.submit("/linkwright/start/books", form);
  expect(departure.headers.get("cache-control")).toBe("no-store");

  // The provider's page, and the way back.
  const callback = await books.consent(await onwardOf(departure));
  // A preview of the link finishes nothing.
  expect((await fetch(callback, { method: "HEAD", headers: { cookie: "user=ada" } })).status).toBe(405);
  const arrival = await ada.open(callback);
  expect([arrival.status, arrival.headers.get("location")], output()).toEqual([303, `${origin}/?linked`]);
  expect((await ada.open(callback)).status).toBe(400);

  // By form post, as some providers come back: the body reaches the handler through the framework.
  const posted = new URL(await books.consent(await onwardOf(await ada.submit("/linkwright/start/books", form))));
  const relayed = await ada.submit(posted.pathname, posted.searchParams, { from: "cross-site" });
  expect((await ada.submitPage(await relayed.text())).status).toBe(303);

  const connections = await list();
  expect(connections.map(({ health }) => health)).toEqual(["healthy", "healthy"]);
  expect(await list(signedIn("ben"))).toEqual([]);
  const invoices = (await (await ada.open("/invoices")).json()) as { id: number }[];
  expect(invoices.length).toBeGreaterThan(1);
  expect(invoices.every(({ id }) => id > 0)).toBe(true);

  // Webhooks, over their bytes as they came.
  await books.webhooks.send({ type: "invoice.paid", data: { id: 4819, status: "Paid – ü" } });
  await books.webhooks.send({ type: "invoice.sent", data: {} }, { signature: "tampered" });
  expect(books.webhooks.deliveries.map(({ status }) => status)).toEqual([204, 400]);
  expect(output()).toContain("books: invoice.paid\n");
  expect(output()).not.toContain("invoice.sent");

  // The end.
  const [first, second] = connections.map(({ id }) => `/linkwright/disconnect/${id}`);
  expect((await signedIn("ben").submit(first ?? "")).status).toBe(404);
  expect((await ada.submit(first ?? "", { returnTo: "/gone" })).headers.get("location")).toBe(`${origin}/gone`);
  const report = await ada.submit(second ?? "", {}, { headers: { accept: "application/json" } });
  expect(await report.json()).toEqual({
    disconnected: true,
    revocations: [
      { what: "refresh_token", result: "revoked" },
      { what: "access_token", result: "revoked" },
    ],
  });
  expect(await list()).toEqual([]);
  expect((await ada.open("/linkwright/elsewhere")).status).toBe(404);
}
