import type { LineFile } from './blame-file.ts';

/** One side of a comparison: its lines, and a flag for each that has no equal on the other; one flag more than lines, never set. */
export interface Side {
  readonly file: LineFile;
  readonly changed: Uint8Array;
}

/** Changed lines that stand together; between two lines that are not changed there is a group without lines. */
class Groups {
  start = 0;
  end = 0;
  private readonly lines: Int32Array;
  private readonly changed: Uint8Array;

  constructor({ file, changed }: Side) {
    this.lines = file.lines;
    this.changed = changed;
    this.growDown();
  }

  private growDown(): void {
    while (this.changed[this.end] === 1) this.end += 1;
  }

  private growUp(): void {
    while (this.start > 0 && this.changed[this.start - 1] === 1) this.start -= 1;
  }

  next(): boolean {
    if (this.end >= this.lines.length) return false;
    this.start = this.end + 1;
    this.end = this.start;
    this.growDown();
    return true;
  }

  previous(): void {
    if (this.start === 0) return;
    this.end = this.start - 1;
    this.start = this.end;
    this.growUp();
  }

  /** The line before joins, the last one leaves, where they are equal. Groups that meet become one. */
  slideUp(): boolean {
    if (this.start === 0 || this.lines[this.start - 1] !== this.lines[this.end - 1]) return false;
    this.start -= 1;
    this.changed[this.start] = 1;
    this.end -= 1;
    this.changed[this.end] = 0;
    this.growUp();
    return true;
  }

  slideDown(): boolean {
    if (this.end >= this.lines.length || this.lines[this.start] !== this.lines[this.end]) return false;
    this.changed[this.start] = 0;
    this.start += 1;
    this.changed[this.end] = 1;
    this.end += 1;
    this.growDown();
    return true;
  }

  get size(): number {
    return this.end - this.start;
  }
}

const slideMax = 100;

/**
 * Groups of changed lines that could as well stand higher or lower (a copy of the line before) are put where people would say that the change is, as Git does:
 * beside a change of the other side, or else where the indentation speaks for it (git-diff's `--indent-heuristic`, on by default).
 */
export function slideGroups(side: Side, other: Side): void {
  const group = new Groups(side);
  const facing = new Groups(other);
  for (;;) {
    if (group.size > 0) slideGroup(group, facing, side.file);
    if (!group.next()) return;
    facing.next();
  }
}

function slideGroup(group: Groups, facing: Groups, file: LineFile): void {
  let highest: number;
  let beside: number;
  let size: number;
  do {
    size = group.size;
    beside = -1;
    while (group.slideUp()) facing.previous();
    highest = group.end;
    if (facing.size > 0) beside = group.end;
    while (group.slideDown()) {
      facing.next();
      if (facing.size > 0) beside = group.end;
    }
    // It has met another group and grown: what was seen counts no more.
  } while (size !== group.size);
  if (group.end === highest) return;
  const slideUp = () => {
    group.slideUp();
    facing.previous();
  };
  if (beside !== -1) {
    while (facing.size === 0) slideUp();
    return;
  }
  const end = bestEnd(file, group, highest);
  while (group.end > end) slideUp();
}

/** Of the places that the group could end at, the one whose two edges look most like borders; of equals the lowest. */
function bestEnd(file: LineFile, { end, size }: Groups, highest: number): number {
  let best = { end, indent: 0, penalty: 0 };
  const first = Math.max(highest, end - size - 1, end - slideMax);
  for (let at = first; at <= end; at += 1) {
    const [lower, upper] = [rateSplit(file, at), rateSplit(file, at - size)];
    const rated = {
      end: at,
      indent: lower.indent + upper.indent,
      penalty: lower.penalty + upper.penalty,
    };
    const compared = 60 * Math.sign(rated.indent - best.indent) + rated.penalty - best.penalty;
    if (at === first || compared <= 0) best = rated;
  }
  return best.end;
}

const blanksMax = 20;
const indentMax = 200;

/** Columns before the first character that is no space, tabs to the next eighth; -1 for a blank line. */
function indentOf(file: LineFile, line: number): number {
  const { bytes, starts } = file;
  const end = starts[line + 1] ?? bytes.length;
  let indent = 0;
  for (let at = starts[line] ?? 0; at < end; at += 1) {
    const byte = bytes[at];
    if (byte === 0x20) indent += 1;
    else if (byte === 0x09) indent += 8 - (indent % 8);
    else if (byte !== 0x0a && byte !== 0x0d) return indent;
    if (indent >= indentMax) return indentMax;
  }
  return -1;
}

/** The next line in a direction that is not blank: its indentation (-1: there is none), and the blank lines before it. */
function lookPast(
  file: LineFile,
  from: number,
  step: 1 | -1,
): { readonly indent: number; readonly blanks: number } {
  let blanks = 0;
  for (let line = from; line >= 0 && line < file.lines.length; line += step) {
    const indent = indentOf(file, line);
    if (indent !== -1) return { indent, blanks };
    blanks += 1;
    if (blanks === blanksMax) return { indent: 0, blanks };
  }
  return { indent: -1, blanks };
}

/** How badly a border before a line fits; the weights are those that Git's authors found by learning from people's ratings. */
function rateSplit(file: LineFile, line: number): { readonly indent: number; readonly penalty: number } {
  const atEnd = line >= file.lines.length;
  const own = atEnd ? -1 : indentOf(file, line);
  const before = lookPast(file, line - 1, -1);
  const after = lookPast(file, line + 1, 1);
  let penalty = 0;
  if (before.indent === -1 && before.blanks === 0) penalty += 1;
  if (atEnd) penalty += 21;
  const blanksAfter = own === -1 ? 1 + after.blanks : 0;
  const blanks = before.blanks + blanksAfter;
  penalty += -30 * blanks + 6 * blanksAfter;
  const indent = own === -1 ? after.indent : own;
  if (indent === -1 || before.indent === -1 || indent === before.indent) return { indent, penalty };
  const spaced = blanks > 0;
  if (indent > before.indent) penalty += spaced ? 10 : -4;
  else if (after.indent > indent) penalty += spaced ? 17 : 24;
  else penalty += spaced ? 17 : 23;
  return { indent, penalty };
}
