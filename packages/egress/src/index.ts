export { isPublicAddress } from "./addresses.ts";
export { PrivateAddressError, type PublicFetch, type PublicFetchOptions, publicFetch } from "./public-fetch.ts";
