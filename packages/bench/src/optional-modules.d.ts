/** better-auth's types name it; only Bun has it. */
declare module "bun:sqlite" {
  export interface Database {
    readonly filename: string;
  }
}
