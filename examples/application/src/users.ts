/** Somebody who uses the sample application. A real one has accounts and passwords; this one asks who you are. */
export interface SampleUser {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

export const sampleUsers: readonly SampleUser[] = [
  { id: "ada", name: "Ada Marsh", email: "ada@example.com" },
  { id: "ben", name: "Ben Okoro", email: "ben@example.com" },
  { id: "chloe", name: "Chloé Tran", email: "chloe@example.com" },
];
