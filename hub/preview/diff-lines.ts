/** Lines of two texts as a person reads a change: `-` gone, `+` new, a space for what is around them, `@` for what is left out. */

/** Unchanged lines shown before and after a change. */
const contextLines = 2;
/** Cells of the comparison table; a larger pair of texts is told as all gone and all new. */
const cellsMax = 4_000_000;

/** Pure; at most `linesMax` lines, the last of which then says how many are left out. */
export function diffLines(before: string, after: string, linesMax: number): readonly string[] {
  const marked = markLines(before.split('\n'), after.split('\n'));
  const shown: string[] = [];
  let skipped = 0;
  for (const [at, line] of marked.entries()) {
    if (line.startsWith(' ') && !nearChange(marked, at)) {
      skipped += 1;
      continue;
    }
    if (skipped > 0) shown.push(`@ ${skipped} unchanged`);
    skipped = 0;
    shown.push(line);
  }
  if (skipped > 0) shown.push(`@ ${skipped} unchanged`);
  if (shown.length <= linesMax) return shown;
  return [...shown.slice(0, linesMax - 1), `@ ${shown.length - linesMax + 1} more lines`];
}

function nearChange(marked: readonly string[], at: number): boolean {
  for (let other = at - contextLines; other <= at + contextLines; other += 1)
    if (marked[other] !== undefined && !marked[other]?.startsWith(' ')) return true;
  return false;
}

/** By the longest common subsequence, between what both begin and end with. */
function markLines(before: readonly string[], after: readonly string[]): readonly string[] {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const middle = markMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end));
  const keep = (line: string) => ` ${line}`;
  return [...before.slice(0, start).map(keep), ...middle, ...before.slice(before.length - end).map(keep)];
}

function markMiddle(before: readonly string[], after: readonly string[]): readonly string[] {
  const gone = (lines: readonly string[]) => lines.map((line) => `-${line}`);
  const fresh = (lines: readonly string[]) => lines.map((line) => `+${line}`);
  const width = after.length + 1;
  if ((before.length + 1) * width > cellsMax) return [...gone(before), ...fresh(after)];
  const lengths = new Uint32Array((before.length + 1) * width);
  const cell = (row: number, column: number) => lengths[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row -= 1)
    for (let column = after.length - 1; column >= 0; column -= 1)
      lengths[row * width + column] =
        before[row] === after[column]
          ? cell(row + 1, column + 1) + 1
          : Math.max(cell(row + 1, column), cell(row, column + 1));
  const marked: string[] = [];
  let [row, column] = [0, 0];
  while (row < before.length && column < after.length) {
    const [old, now] = [before[row] ?? '', after[column] ?? ''];
    if (old === now) {
      marked.push(` ${old}`);
      row += 1;
      column += 1;
    } else if (cell(row + 1, column) >= cell(row, column + 1)) {
      marked.push(`-${old}`);
      row += 1;
    } else {
      marked.push(`+${now}`);
      column += 1;
    }
  }
  return [...marked, ...gone(before.slice(row)), ...fresh(after.slice(column))];
}
