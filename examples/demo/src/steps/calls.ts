import type { Product } from "@linkwright/fiskil";
import { holds } from "../checks.ts";
import { connectionOf, type Journey } from "../journey.ts";
import { trafficOf } from "../traffic.ts";

/** A data holder's own products: the application speaks for itself, and no user is part of it. */
export async function manageProducts({ world, handles }: Journey): Promise<readonly string[]> {
  const { products } = handles.platform;
  const saver: Product = {
    productId: "saver-1",
    name: "Everyday Saver",
    description: "A savings account.",
    productCategory: "TRANS_AND_SAVINGS_ACCOUNTS",
    brand: "EXAMPLE",
    isTailored: false,
  };
  const listed = async () => (await products.list()).map(({ productId, name }) => `${productId}: ${name}`);
  holds("products at first", await listed(), []);
  await products.create(saver);
  holds("products after creating", await listed(), ["saver-1: Everyday Saver"]);
  await products.update({ ...saver, name: "Rainy Day Saver" });
  holds("products after updating", await listed(), ["saver-1: Rainy Day Saver"]);
  await products.delete("saver-1");
  holds("products after deleting", await listed(), []);
  holds("token requests of the platform's client", trafficOf(world).platform.tokenRequests(), 1);
  return ["listed 0, created 1, listed it, updated its name, deleted it, listed 0; token requests: 1"];
}

/** What each provider's API answers, and how many items that is. */
const calls = [
  { registration: "fiskil", path: "/v1/banking/accounts", member: "accounts", promised: 2 },
  { registration: "books", path: "/v1/invoices", member: undefined, promised: 2 },
  { registration: "desk", path: "/v1/clients", member: undefined, promised: 3 },
  { registration: "flinks", path: "/api/fdx/5/accounts", member: "accounts", promised: 2 },
] as const;

export async function callEach(journey: Journey): Promise<readonly string[]> {
  const told: string[] = [];
  for (const { registration, path, member, promised } of calls) {
    const connection = await connectionOf(journey, registration);
    const response = await connection.fetch(path);
    holds(`${registration}: status of GET ${path}`, response.status, 200);
    const answer = (await response.json()) as Record<string, unknown>;
    const items = member === undefined ? answer : answer[member];
    holds(`${registration}: items of GET ${path}`, Array.isArray(items) && items.length, promised);
    told.push(`${registration}: GET ${path}: ${promised} items`);
  }
  return told;
}
