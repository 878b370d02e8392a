import type { ProviderContext } from "@linkwright/core";
import * as z from "zod";
import { list, parsed, segment } from "./answers.ts";
import type { EndUserDetails } from "./parameters.ts";

const text = z.string().nullish();

const endUser = z.looseObject({ id: z.string().min(1), email: text, name: text, phone: text });

/** An end user as Fiskil reads it out, under Fiskil's names: `id`, `email`, `name`, `phone`, and what else there is. */
export interface EndUser extends z.output<typeof endUser> {}

/** What can be changed of an end user. */
export interface EndUserChange extends Omit<EndUserDetails, "name"> {
  readonly sessionId?: string;
}

const created = z.object({ end_user_id: z.string().min(1) });

/** End users. A 404 `end_user_not_found` is thrown as `gone`, a 403 as `permission`, a 429 as `retry`. */
export interface EndUsers {
  /**
   * Not safe to repeat: the same email again may give a second user, and after a lost answer only a list tells whether the first
   * one is there. Needs the scope `api:user.write` on the API key.
   */
  create(details: EndUserDetails): Promise<{ readonly id: string }>;
  /** Every page. `email` filters; several users may share one. Needs `api:user.read`. */
  list(query?: { readonly email?: string }): Promise<EndUser[]>;
  /** Needs `api:user.read`. */
  get(id: string): Promise<EndUser>;
  /** Needs `api:user.write`. */
  update(id: string, change: EndUserChange): Promise<void>;
  /** Needs `api:user.write`. Whether it revokes the user's consents is not documented: disconnect the connections first. */
  delete(id: string): Promise<void>;
}

export function endUsers(context: ProviderContext): EndUsers {
  const path = "/v1/end-users";
  return {
    async create({ email, name, phone, abn }) {
      const answer = await context.call(path, { method: "POST", json: { email, name, phone, abn } });
      return { id: parsed(created, answer, `POST ${path}`).end_user_id };
    },
    list: ({ email } = {}) => list(context, path, "end_users", endUser, { email }),
    get: async (id) => parsed(endUser, await context.call(`${path}/${segment(id)}`), `GET ${path}/{id}`),
    async update(id, { abn, email, phone, sessionId }) {
      const json = { abn, email, phone, session_id: sessionId };
      await context.call(`${path}/${segment(id)}`, { method: "POST", json });
    },
    async delete(id) {
      await context.call(`${path}/${segment(id)}`, { method: "DELETE" });
    },
  };
}
