export type { Consent, Consents, ConsentsQuery } from "./consents.ts";
export type { EndUser, EndUserChange, EndUsers } from "./end-users.ts";
export type { ConsentEvent, FiskilEvent, SyncEvent, UnknownEvent } from "./events.ts";
export { type FiskilExtras, fiskil } from "./fiskil.ts";
export type { Institution, Institutions, InstitutionsQuery, Permission, Permissions } from "./institutions.ts";
export { type FiskilOptions, type ProductRoutes, productRoutes } from "./options.ts";
export type { ConnectParameters, EndUserDetails } from "./parameters.ts";
export type { ListedProduct, Product, Products } from "./products.ts";
