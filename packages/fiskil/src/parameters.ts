import * as z from "zod";

const text = z.string().min(1);

/** What Fiskil may know of an end user. Every member is optional. */
export const endUserDetails = z.strictObject({
  email: text.optional(),
  name: text.optional(),
  /** E.164, such as `+61400000000`. */
  phone: text.optional(),
  /** Australian business number. */
  abn: text.optional(),
});

/** @inheritDoc endUserDetails */
export type EndUserDetails = z.input<typeof endUserDetails>;

/**
 * Parameters of `connect`: an end user that exists, by `endUserId`; or one to create, by `endUser`. Connecting again needs
 * neither, and keeps the connection's end user.
 */
export type ConnectParameters = {
  /** Leads the user to this institution alone. Default, where a connection is connected again: the one that it has. */
  readonly institutionId?: string | undefined;
  /** Kinds of data to ask for, such as `accounts`. Sent only where given: Fiskil's pages disagree on whether it is read. */
  readonly permissions?: readonly string[] | undefined;
  /** The arrangement to renew, instead of a new one. Seen in use, not documented. */
  readonly arrangementId?: string | undefined;
} & (
  | { readonly endUserId?: string | undefined; readonly endUser?: undefined }
  | { readonly endUser: EndUserDetails; readonly endUserId?: undefined }
);

// One object at run time: what a union finds wrong cannot be told in one sentence.
export const connectParameters = z
  .strictObject({
    endUserId: text.optional(),
    endUser: endUserDetails.optional(),
    institutionId: text.optional(),
    permissions: z.array(text).min(1).optional(),
    arrangementId: text.optional(),
  })
  .refine(({ endUserId, endUser }) => !endUserId || !endUser, {
    path: ["endUser"],
    message: "creates an end user, and endUserId names one that exists; give one of the two",
  }) as unknown as z.ZodType<ConnectParameters, ConnectParameters>;
