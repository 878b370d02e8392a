import type { AnyProvider, Connector } from "@linkwright/core";
import type { fiskil } from "@linkwright/fiskil";
import type { FisklAppProvider, FisklKeyProvider } from "@linkwright/fiskl";
import type { flinks } from "@linkwright/flinks";
import { expect, expectTypeOf, test } from "vitest";
import { createHandlers, type Handler } from "../src/index.ts";

type Providers = {
  fiskil: ReturnType<typeof fiskil>;
  books: FisklAppProvider;
  own: FisklKeyProvider;
  flinks: ReturnType<typeof flinks>;
};

declare const connector: Connector<Providers>;
const common = { origin: "https://app.example", owner: () => "ada" } as const;

/** For the compiler alone. */
export function options(): void {
  createHandlers({ ...common, connector });
  createHandlers({
    ...common,
    connector,
    start: { flinks: { providerId: 1000, scope: ["ACCOUNT_BASIC"] }, books: {} },
  });
  createHandlers({
    ...common,
    connector,
    start: { flinks: async ({ form }) => ({ providerId: Number(form.get("bank")) }) },
  });
  createHandlers({ ...common, connector, start: { flinks: () => undefined } });
  // @ts-expect-error: Flinks needs to know which bank.
  createHandlers({ ...common, connector, start: { flinks: {} } });
  // @ts-expect-error: nor does a function get by without.
  createHandlers({ ...common, connector, start: { flinks: () => ({ scope: ["ACCOUNT_BASIC"] }) } });
  // @ts-expect-error: who it is for is not the form's to say.
  createHandlers({ ...common, connector, start: { books: { owner: "mallory" } } });
  // @ts-expect-error: a key connects nobody.
  createHandlers({ ...common, connector, start: { own: {} } });
  // @ts-expect-error: there is no such registration.
  createHandlers({ ...common, connector, start: { bank: {} } });
  createHandlers({
    ...common,
    connector,
    webhook: {
      fiskil: ({ event, connections }) => {
        expectTypeOf(event.endUserId).toEqualTypeOf<string | undefined>();
        expectTypeOf(connections).toEqualTypeOf<readonly string[]>();
      },
      own: ({ event }) => expectTypeOf(event.type).toExtend<string>(),
    },
  });
  // @ts-expect-error: Flinks sends none.
  createHandlers({ ...common, connector, webhook: { flinks: () => {} } });
  // @ts-expect-error: somebody has to say who is signed in.
  createHandlers({ origin: "https://app.example", connector });

  const plain = createHandlers({ ...common, connector });
  expectTypeOf(plain.handler).toEqualTypeOf<Handler>();
  void plain.handler(new Request("https://app.example"));
  const own = createHandlers({ ...common, connector, owner: (_request, context: { user?: string }) => context.user });
  void own.handler(new Request("https://app.example"), { user: "ada" });
  // @ts-expect-error: what the owner is read from has to be handed over.
  void own.handler(new Request("https://app.example"));

  const any = connector as unknown as Connector<Readonly<Record<string, AnyProvider>>>;
  createHandlers({ ...common, connector: any });
}

test("what can be started and received follows from the providers, by the compiler", () => {
  expect(options).toBeTypeOf("function");
});
