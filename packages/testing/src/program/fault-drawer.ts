import { type FaultName, faultKinds } from "../fault-kinds.ts";
import type { ArmedFault, Faults, Latch } from "../faults.ts";
import { ControlError, members } from "./control-request.ts";

/** A fault that was armed over HTTP, as it is told. */
export interface ArmedView {
  readonly id: string;
  readonly name: FaultName;
  readonly when: "next" | "always";
  /** On how many requests it has acted. */
  readonly used: number;
  /** Of a latch: whether it holds a request. */
  readonly held?: boolean;
}

const scope = ["name", "when", "times", "path", "pathPattern", "method", "grantType", "handled"];

/** The settings that each fault has; those marked with `!` it cannot do without. */
const settings: { readonly [N in FaultName]?: readonly string[] } = {
  drip: ["interval"],
  delay: ["ms!"],
  status: ["status!", "body", "headers"],
  "rate-limited": ["retryAfter"],
  html: ["status"],
  "error-in-200": ["error"],
  redirect: ["location", "status"],
  "huge-body": ["bytes"],
  answer: ["body!", "status", "headers"],
  rewrite: ["merge!"],
  "echo-secrets": ["status"],
};

interface Kept {
  readonly handle: ArmedFault | Latch;
  readonly when: "next" | "always";
  held: boolean;
}

/** Arms faults by JSON, and remembers them by id. */
export function createFaultDrawer(faults: Faults) {
  const armed = new Map<string, Kept>();
  let count = 0;

  function found(id: string): Kept {
    const kept = armed.get(id);
    if (!kept) throw new ControlError(404, `No fault is armed as ${id}.`);
    return kept;
  }

  function view(id: string): ArmedView {
    const { handle, when, held } = found(id);
    return { id, name: handle.name, when, used: handle.used, ...("arrived" in handle && { held }) };
  }

  return {
    list: () => [...armed.keys()].map(view),

    arm(asked: Readonly<Record<string, unknown>>): ArmedView {
      const { name, when = "next" } = asked;
      if (typeof name !== "string" || !Object.hasOwn(faultKinds, name))
        throw new ControlError(400, `name must be one of ${Object.keys(faultKinds).join(", ")}.`);
      if (when !== "next" && when !== "always") throw new ControlError(400, 'when must be "next" or "always".');
      const handle = faults[when](name as "latch", optionsOf(name as FaultName, asked));
      const kept: Kept = { handle, when, held: false };
      const id = String(++count);
      armed.set(id, kept);
      if (name === "latch")
        void handle.arrived.then(() => {
          kept.held = true;
        });
      return view(id);
    },

    /** @returns How it stood at last. */
    disarm(id: string): ArmedView {
      const last = view(id);
      found(id).handle.disarm();
      armed.delete(id);
      return last;
    },

    release(id: string): ArmedView {
      const { handle } = found(id);
      if (!("release" in handle)) throw new ControlError(400, `${handle.name} holds nothing: a latch does.`);
      handle.release();
      return view(id);
    },

    clear() {
      faults.clear();
      armed.clear();
    },
  };
}

/** What `next` and `always` take, from JSON. */
function optionsOf(name: FaultName, asked: Readonly<Record<string, unknown>>): object {
  const own = settings[name] ?? [];
  const given = members(asked, [...scope, ...own.map((setting) => setting.replace("!", ""))]);
  for (const setting of own)
    if (setting.endsWith("!") && given[setting.slice(0, -1)] === undefined)
      throw new ControlError(400, `${name} needs ${setting.slice(0, -1)}.`);
  const { name: _name, when: _when, pathPattern, merge, ...rest } = given;
  return {
    ...rest,
    ...(pathPattern !== undefined && { path: pattern(pathPattern) }),
    ...(merge !== undefined && { rewrite: (answer: Record<string, unknown>) => merged(answer, merge) }),
  };
}

function pattern(text: unknown): RegExp {
  try {
    return new RegExp(String(text));
  } catch {
    throw new ControlError(400, "pathPattern is no regular expression.");
  }
}

/** RFC 7396: members that are `null` go, others are set. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = typeof target === "object" && target !== null ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}
