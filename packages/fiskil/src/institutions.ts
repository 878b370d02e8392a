import type { ProviderContext } from "@linkwright/core";
import * as z from "zod";
import { list, parsed, segment } from "./answers.ts";

const text = z.string().nullish();

const institution = z.looseObject({
  id: z.string().min(1),
  name: text,
  /** `banking` or `energy`. */
  industry: text,
  is_accessible: z.boolean().nullish(),
  priority: z.number().nullish(),
  icon: text,
  logo: text,
  /** `status.connections.status`: `HEALTHY`, `DEGRADED` or `OUTAGE`. */
  status: z.looseObject({ connections: z.looseObject({ status: text }).nullish() }).nullish(),
});

/** An institution as Fiskil lists it, under Fiskil's names. */
export interface Institution extends z.output<typeof institution> {}

const permission = z.looseObject({ name: z.string(), scope: text, industry: text, description: text });

/** A kind of data that a consent can cover. */
export interface Permission extends z.output<typeof permission> {}

/** Which institutions are listed. */
export interface InstitutionsQuery {
  readonly industry?: string;
  readonly sessionId?: string;
  readonly institutionMode?: string;
}

/** The banks and energy retailers that users can connect. */
export interface Institutions {
  list(query?: InstitutionsQuery): Promise<Institution[]>;
  get(id: string): Promise<Institution>;
}

/** The kinds of data that a consent can cover. */
export interface Permissions {
  list(query?: { readonly industry?: string }): Promise<Permission[]>;
}

/** @param teamId - Sent as `client_id`, which Fiskil requires here and documents as the team's id. */
export function institutions(context: ProviderContext, teamId: string): Institutions {
  const path = "/v1/institutions";
  return {
    list: ({ industry, sessionId, institutionMode } = {}) =>
      list(context, path, "institutions", institution, {
        client_id: teamId,
        industry,
        sess_id: sessionId,
        institution_mode: institutionMode,
      }),
    get: async (id) => parsed(institution, await context.call(`${path}/${segment(id)}`), `GET ${path}/{id}`),
  };
}

export function permissions(context: ProviderContext): Permissions {
  return { list: ({ industry } = {}) => list(context, "/v1/permissions", "permissions", permission, { industry }) };
}
