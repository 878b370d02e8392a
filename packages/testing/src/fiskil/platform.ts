import type { Context, Hono } from "hono";
import type { FiskilState } from "./options.ts";
import { authorize, refuse } from "./wire.ts";

/** A product as a data holder publishes it. */
export interface FiskilProduct {
  readonly productId: string;
  readonly name: string;
  readonly description: string;
  readonly productCategory: string;
  readonly brand: string;
  readonly isTailored: boolean;
  readonly [optional: string]: unknown;
}

const base = "/v1/data-provider/cdr/products";
const read = "api:provider.products.read";
const write = "api:provider.products.write";

/** The Platform API's products. Its methods for writing are our reading; only that they exist is published. */
export function servePlatform(app: Hono, state: FiskilState, products: Map<string, FiskilProduct>): void {
  const missing = () => refuse("oauth", 404, "not_found", "no such product");
  const serve = (
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    scope: string,
    answer: (id: string, context: Context) => Response | Promise<Response>,
  ) =>
    app.on(method, base + path, (context) => {
      const token = authorize(state, context, scope, "oauth");
      return token instanceof Response ? token : answer(context.req.param("id") ?? "", context);
    });

  serve("GET", "", read, () => Response.json({ products: [...products.values()] }));
  serve("GET", "/:id", read, (id) => {
    const found = products.get(id);
    return found ? Response.json(found) : missing();
  });
  serve("POST", "", write, async (_id, context) => {
    const product = await readProduct(context);
    if (product instanceof Response) return product;
    if (products.has(product.productId)) return refuse("oauth", 400, "invalid_request", "productId exists");
    return kept(state, products, product, 201);
  });
  serve("PUT", "/:id", write, async (id, context) => {
    if (!products.has(id)) return missing();
    const product = await readProduct(context);
    if (product instanceof Response) return product;
    if (product.productId !== id) return refuse("oauth", 400, "invalid_request", "productId does not change");
    return kept(state, products, product, 200);
  });
  serve("DELETE", "/:id", write, (id) => (products.delete(id) ? new Response(null, { status: 204 }) : missing()));
}

function kept(
  { clock }: FiskilState,
  products: Map<string, FiskilProduct>,
  product: FiskilProduct,
  status: number,
): Response {
  const dated = { ...product, lastUpdated: new Date(clock.now()).toISOString() };
  products.set(product.productId, dated);
  return Response.json(dated, { status });
}

async function readProduct(context: Context): Promise<FiskilProduct | Response> {
  const body: unknown = await context.req.json().catch(() => undefined);
  const product = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const text = (name: string, longest: number) => {
    const value = product[name];
    return typeof value === "string" && value !== "" && value.length <= longest;
  };
  const sound =
    text("productId", 100) &&
    /^[\x20-\x7e]+$/.test(String(product.productId)) &&
    text("name", 200) &&
    text("description", 2000) &&
    text("productCategory", 100) &&
    text("brand", 200) &&
    typeof product.isTailored === "boolean";
  return sound
    ? (product as FiskilProduct)
    : refuse("oauth", 400, "invalid_request", "a member is missing or too long");
}
