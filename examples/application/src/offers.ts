import type { RegistrationName } from "./configuration.ts";
import type { SampleConnector } from "./connector.ts";

/** Something that a user can link. */
export interface Offer {
  readonly registration: RegistrationName;
  readonly title: string;
  /** What linking it is good for, in a sentence. */
  readonly purpose: string;
  /** A call of the provider's API that shows what came of it. */
  readonly sample: string;
}

const all: readonly Offer[] = [
  {
    registration: "fiskil",
    title: "Fiskil",
    purpose: "An Australian bank account, by consent under the Consumer Data Right.",
    sample: "/v1/banking/accounts",
  },
  {
    registration: "books",
    title: "Fiskl, books",
    purpose: "Invoices and their clients, through an app with a client secret.",
    sample: "/v1/invoices",
  },
  {
    registration: "desk",
    title: "Fiskl, front desk",
    purpose: "Clients alone, through a public app with PKCE and no secret.",
    sample: "/v1/clients",
  },
  {
    registration: "flinks",
    title: "Flinks",
    purpose: "A Canadian bank account, through Open Banking.",
    sample: "/api/fdx/5/accounts",
  },
];

/** What can be linked, which is what is configured. */
export const offersOf = ({ providers }: SampleConnector): readonly Offer[] =>
  all.filter(({ registration }) => providers[registration] !== undefined);

/** What the application calls an account of that registration. */
export const titleOf = (registration: string): string =>
  all.find((offer) => offer.registration === registration)?.title ?? registration;
