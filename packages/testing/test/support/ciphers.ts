/**
 * How many calls of Web Crypto are under way. They run on threads beside the tests' own, for as long as the machine takes:
 * who moves a virtual clock meanwhile lets deadlines pass that no real clock would have.
 */
let underWay = 0;

const settle = () => {
  underWay--;
};

// Modules are shared by the files of one worker, so this is done once.
for (const [name, { value: call }] of Object.entries(Object.getOwnPropertyDescriptors(SubtleCrypto.prototype))) {
  if (name === "constructor" || typeof call !== "function") continue;
  Object.defineProperty(SubtleCrypto.prototype, name, {
    configurable: true,
    writable: true,
    value(this: SubtleCrypto, ...parameters: unknown[]) {
      const result = call.apply(this, parameters);
      if (!(result instanceof Promise)) return result;
      underWay++;
      result.then(settle, settle);
      return result;
    },
  });
}

/** Lets what is ready run, for so many turns of the event loop in which no cipher was under way. */
export async function quiet(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; ) {
    await new Promise((resolve) => setImmediate(resolve));
    if (underWay === 0) turn++;
  }
}
