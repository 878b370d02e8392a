/** One request that a simulator received, written down before it was answered. */
export interface JournalEntry {
  /** By the simulator's clock: epoch milliseconds. */
  readonly at: number;
  readonly method: string;
  /** Which listener it came to, where a simulator has several: `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** Without the query. */
  readonly path: string;
  /** Query parameters; of a repeated one, the last. */
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body, where it says that it is JSON and is. */
  readonly json?: unknown;
  /** The body, where it says that it is a form. */
  readonly form?: Readonly<Record<string, string>>;
  /** `grant_type` of the form or JSON body. */
  readonly grantType?: string;
  /** Equal for requests that came over one TCP connection. */
  readonly connection: number;
  /** Names of the faults that acted on it. */
  readonly faults: readonly string[];
  /** What was answered; absent while nothing was, and where the connection was cut instead. */
  readonly status?: number;
}

/** Which entries are meant. Members left out match everything. */
export interface JournalFilter {
  readonly method?: string;
  /** Exact, or a pattern. */
  readonly path?: string | RegExp;
  readonly grantType?: string;
  readonly match?: (entry: JournalEntry) => boolean;
}

/** The requests that a simulator received, oldest first. */
export interface Journal {
  readonly entries: readonly JournalEntry[];
  count(filter?: JournalFilter): number;
  /** Every entry that matches, oldest first. */
  filter(filter?: JournalFilter): readonly JournalEntry[];
  /** The first entry that matches. */
  find(filter?: JournalFilter): JournalEntry | undefined;
  /** The newest entry that matches. */
  last(filter?: JournalFilter): JournalEntry | undefined;
  /** Resolves with the `count`-th matching entry (default: the first), at once where it is there already. */
  arrived(filter?: JournalFilter, count?: number): Promise<JournalEntry>;
  clear(): void;
}

/** The journal as its simulator writes it. */
export interface WritableJournal extends Journal {
  write(entry: JournalEntry): void;
}

/** Whether `entry` is one that `filter` means. */
export function matches(entry: JournalEntry, filter: JournalFilter = {}): boolean {
  const { method, path, grantType, match } = filter;
  if (method !== undefined && entry.method !== method.toUpperCase()) return false;
  if (typeof path === "string" && entry.path !== path) return false;
  if (path instanceof RegExp && !path.test(entry.path)) return false;
  if (grantType !== undefined && entry.grantType !== grantType) return false;
  return match?.(entry) ?? true;
}

export function createJournal(): WritableJournal {
  const entries: JournalEntry[] = [];
  const waiting = new Set<() => void>();
  const filtered = (filter?: JournalFilter) => entries.filter((entry) => matches(entry, filter));
  return {
    entries,
    filter: filtered,
    count: (filter) => filtered(filter).length,
    find: (filter) => entries.find((entry) => matches(entry, filter)),
    last: (filter) => entries.findLast((entry) => matches(entry, filter)),
    arrived(filter, count = 1) {
      return new Promise((resolve) => {
        const look = () => {
          const entry = filtered(filter)[count - 1];
          if (!entry) return;
          waiting.delete(look);
          resolve(entry);
        };
        waiting.add(look);
        look();
      });
    },
    clear() {
      entries.length = 0;
    },
    write(entry) {
      entries.push(entry);
      for (const look of [...waiting]) look();
    },
  };
}
