import type { FaultDetails, FaultKind, ReauthorizeReason } from "./faults.ts";

/** What an application can observe. Listeners are told after the fact was saved, and cannot change it. */
export interface ConnectorEvents {
  "connection.connected": ConnectionEvent;
  /** The user came back; the provider has not confirmed the consent yet. */
  "connection.pending": ConnectionEvent;
  "connection.renewed": ConnectionEvent & { readonly expiresAt?: number };
  /** An attempt to renew told nothing of the grant; it will be tried again. */
  "connection.renewal_failed": ConnectionEvent & { readonly kind: FaultKind; readonly retryAt?: number };
  /** A refresh token was presented and no answer is known. */
  "connection.in_doubt": ConnectionEvent;
  "connection.reauthorization_required": ConnectionEvent & { readonly reason: ReauthorizeReason };
  /** The consent will end at `expiresAt` (epoch milliseconds). */
  "connection.expiring": ConnectionEvent & { readonly expiresAt: number };
  /** The user or the bank ended it. */
  "connection.ended": ConnectionEvent & { readonly reason: ReauthorizeReason };
  "connection.disconnected": ConnectionEvent;
  /** The authorization server refused the client: no connection is at fault. Told once until it works again. */
  "client.rejected": FaultDetails & { readonly message: string };
  "client.accepted": FaultDetails;
  /** A server departed from its contract in a way that could be borne. */
  "protocol.warning": FaultDetails & { readonly message: string };
  /** The store failed. `during`: what was attempted; a failed `save` is retried until it succeeds. */
  "store.failed": FaultDetails & { readonly during: "read" | "save" | "release"; readonly message: string };
}

/** Which connection an event is about. */
export interface ConnectionEvent extends FaultDetails {
  readonly connection: string;
  readonly owner: string;
}

/** The names of all events. */
export type EventName = keyof ConnectorEvents;

export interface Events {
  /** @returns Stops listening. */
  on<Name extends EventName>(name: Name, listener: (event: ConnectorEvents[Name]) => unknown): () => void;
  emit<Name extends EventName>(name: Name, event: ConnectorEvents[Name]): void;
}

export function createEvents(): Events {
  const listeners = new Map<EventName, Set<(event: never) => unknown>>();
  return {
    on(name, listener) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(listener));
      return () => void set.delete(listener);
    },
    emit(name, event) {
      for (const listener of listeners.get(name) ?? []) tell(listener as (event: unknown) => unknown, event);
    },
  };
}

/** Tells one who only observes: what they throw, now or later, is their own affair. */
export function tell<Told>(observer: ((told: Told) => unknown) | undefined, told: Told): void {
  try {
    const result = observer?.(told);
    if (result instanceof Promise) result.catch(() => {});
  } catch {}
}
