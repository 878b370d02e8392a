import type { ProviderContext } from "@linkwright/core";
import * as z from "zod";
import { parsed, segment } from "./answers.ts";
import type { ProductRoutes } from "./options.ts";

/** A product of a data holder, under Fiskil's names; further members of the CDR's schema may stand beside them. */
export interface Product {
  /** ASCII, at most 100 characters, never changed. */
  readonly productId: string;
  /** At most 200 characters. */
  readonly name: string;
  /** At most 2000 characters. */
  readonly description: string;
  /** Such as `TRANS_AND_SAVINGS_ACCOUNTS`. */
  readonly productCategory: string;
  readonly brand: string;
  readonly isTailored: boolean;
  readonly brandName?: string | undefined;
  readonly effectiveFrom?: string | undefined;
  readonly effectiveTo?: string | undefined;
  readonly lastUpdated?: string | undefined;
  readonly [member: string]: unknown;
}

/** A product as it is read: which members the answer has is not documented beyond the fields' own page. */
export type ListedProduct = Partial<Product> & { readonly productId: string };

const listed: z.ZodType<ListedProduct> = z.looseObject({ productId: z.string().min(1) });
const array = z.array(listed);
const named = z.looseObject({ products: array }).transform(({ products }) => products);
/** The list's shape is not documented: an array, by name, or as the CDR's own register wraps it. */
const answers = z.union([array, named, z.looseObject({ data: named }).transform(({ data }) => data)]);

/**
 * The Platform API's products. Only the list's route is documented; see `productRoutes` for the others. A key without the scope
 * that a call needs fails it as `permission`.
 */
export interface Products {
  /** Needs the scope `api:provider.products.read` on the API key. */
  list(): Promise<ListedProduct[]>;
  /** Needs `api:provider.products.write`. Not repeated by itself after a lost answer. */
  create(product: Product): Promise<void>;
  /** Replaces the product of that `productId`. Needs `api:provider.products.write`. */
  update(product: Product): Promise<void>;
  /** Needs `api:provider.products.write`. */
  delete(productId: string): Promise<void>;
}

export function products(context: ProviderContext, routes: ProductRoutes): Products {
  const call = (name: keyof ProductRoutes, productId = "", json?: unknown) => {
    const [method = "", path = ""] = routes[name].split(" ");
    const full = path.includes("{productId}") ? path.replace("{productId}", segment(productId)) : path;
    return context.call(full, { method, ...(json !== undefined && { json }) });
  };
  return {
    list: async () => parsed(answers, await call("list"), routes.list),
    async create(product) {
      await call("create", product.productId, product);
    },
    async update(product) {
      await call("update", product.productId, product);
    },
    async delete(productId) {
      await call("delete", productId);
    },
  };
}
