/** What a part found, and how it is shown. */

export interface Line {
  /** What was done; lines of the same work stand together. */
  readonly work: string;
  readonly contestant: string;
  readonly measured: string;
  /** Beside what the ratio stands, and the ratio itself. */
  readonly ratio?: string | undefined;
  readonly target?: string | undefined;
  readonly passed?: boolean | undefined;
}

export interface Part {
  readonly id: string;
  readonly title: string;
  /** How it was measured, in a sentence or two. */
  readonly method: string;
  readonly lines: readonly Line[];
}

export interface Limit {
  /** What the number is beside: `async floor`. */
  readonly beside?: string;
  readonly most?: number;
  readonly least?: number;
  readonly unit?: string;
  readonly digits?: number;
}

/** A number beside its target: the last three columns of a line. */
export function judged(value: number, limit: Limit = {}): Pick<Line, "ratio" | "target" | "passed"> {
  const { beside, most, least, unit = "×", digits = 2 } = limit;
  const ratio = `${value.toFixed(digits)} ${unit}${beside ? ` ${beside}` : ""}`;
  if (most !== undefined) return { ratio, target: `≤ ${most} ${unit}`, passed: value <= most };
  if (least !== undefined) return { ratio, target: `≥ ${least} ${unit}`, passed: value >= least };
  return { ratio };
}

/** Milliseconds in the unit that suits them. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 0.001) return `${(ms * 1e6).toFixed(0)} ns`;
  if (ms < 1) return `${(ms * 1e3).toFixed(ms < 0.01 ? 2 : 0)} µs`;
  return ms < 10_000 ? `${ms.toFixed(ms < 10 ? 2 : 0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function perSecond(ms: number): string {
  return `${Math.round(1000 / ms).toLocaleString("en")}/s`;
}

const verdict = ({ passed }: Line): string => (passed === undefined ? "" : passed ? "pass" : "**miss**");

/** One part as Markdown. */
export function markdown({ id, title, method, lines }: Part): string {
  const head = ["work", "contestant", "measured", "ratio", "target", ""];
  const rows = lines.map((line, index) => [
    lines[index - 1]?.work === line.work ? "" : line.work,
    line.contestant,
    line.measured,
    line.ratio ?? "",
    line.target ?? "",
    verdict(line),
  ]);
  const row = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const table = [row(head), row(head.map(() => "---")), ...rows.map(row)];
  return [`## ${id.toUpperCase()} ${title}`, method, table.join("\n")].join("\n\n");
}

/** All parts as one table for a terminal. */
export function plain(parts: readonly Part[]): string {
  const rows = parts.flatMap(({ id, lines }) =>
    lines.map((line) => [
      id,
      line.work,
      line.contestant,
      line.measured,
      line.ratio ?? "",
      line.target ?? "",
      verdict(line).replaceAll("*", ""),
    ]),
  );
  const all = [["", "work", "contestant", "measured", "ratio", "target", ""], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0))) ?? [];
  return all.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")).join("\n");
}
