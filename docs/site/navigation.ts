/** A page by its address on the site, without ending, and what it is called in the navigation. */
export interface Entry {
  readonly text: string;
  readonly page: string;
}

export interface Group {
  readonly text: string;
  readonly entries: readonly Entry[];
  readonly collapsed?: boolean;
}

/** Every page, in the order in which one would read them. Pages that are not there are left out. */
export const groups: readonly Group[] = [
  {
    text: "Start",
    entries: [
      { text: "Getting started", page: "getting-started" },
      { text: "Concepts", page: "concepts" },
      { text: "When to use what", page: "comparison" },
      { text: "Sample application", page: "sample-application" },
    ],
  },
  {
    text: "Applications",
    entries: [
      { text: "Web handlers", page: "web" },
      { text: "Command line and desktop", page: "command-line" },
      { text: "Errors", page: "errors" },
      { text: "Keys", page: "keys" },
      { text: "Stores", page: "stores" },
    ],
  },
  {
    text: "How to",
    entries: [
      { text: "Operate it", page: "how-to/operate" },
      { text: "Run on serverless platforms", page: "how-to/serverless" },
      { text: "Move grants in and out", page: "how-to/move-grants" },
      { text: "Change secrets and keys", page: "how-to/change-secrets" },
    ],
  },
  {
    text: "Providers",
    entries: [
      { text: "Fiskil", page: "providers/fiskil" },
      { text: "Fiskl", page: "providers/fiskl" },
      { text: "Flinks", page: "providers/flinks" },
      { text: "Any OIDC server", page: "oidc" },
    ],
  },
  {
    text: "Extending",
    entries: [
      { text: "Testing", page: "testing" },
      { text: "Writing a provider", page: "writing-a-provider" },
      { text: "Writing a store", page: "writing-a-store" },
      { text: "Contributing", page: "contributing" },
    ],
  },
  {
    text: "What is promised",
    entries: [
      { text: "Guarantees", page: "guarantees" },
      { text: "Renewal", page: "renewal" },
      { text: "Security", page: "security" },
      { text: "Torture", page: "torture" },
      { text: "Benchmarks", page: "benchmarks" },
    ],
  },
];

/** Groups whose pages are found in a folder; each page is called by its heading. */
export const folders: readonly { readonly text: string; readonly folder: string }[] = [
  { text: "API reference", folder: "reference" },
  { text: "Decisions", folder: "decisions" },
];
