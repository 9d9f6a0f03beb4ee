import type { LineFile } from './blame-file.ts';
import { slideGroups } from './blame-slide.ts';

/** For each line of `after` the line of `before` that it is (0-based), or -1: as `git blame` would say, with Git's default settings. */
export function matchLines(before: LineFile, after: LineFile): Int32Array {
  const tail = commonTail(before, after);
  const old = trim(before, tail);
  const young = trim(after, tail);
  const changed = {
    before: new Uint8Array(old.lines.length + 1),
    after: new Uint8Array(young.lines.length + 1),
  };
  compareLines(old.lines, young.lines, changed.before, changed.after);
  slideGroups({ file: old, changed: changed.before }, { file: young, changed: changed.after });
  slideGroups({ file: young, changed: changed.after }, { file: old, changed: changed.before });
  const matches = new Int32Array(after.lines.length).fill(-1);
  let from = 0;
  for (let to = 0; to < young.lines.length; to += 1) {
    if (changed.after[to] === 1) continue;
    while (changed.before[from] === 1) from += 1;
    matches[to] = from;
    from += 1;
  }
  for (let to = young.lines.length; to < after.lines.length; to += 1)
    matches[to] = to + before.lines.length - after.lines.length;
  return matches;
}

const tailBlockBytes = 1024;

/**
 * Lines at the end that Git takes as equal before it compares: the common end in whole blocks, from its first line break on. It matters beyond speed: what is taken
 * off cannot be slid into.
 */
function commonTail(before: LineFile, after: LineFile): number {
  const [a, b] = [before.bytes, after.bytes];
  const most = Math.min(a.length, b.length);
  const view = (bytes: Uint8Array, from: number) => bytes.subarray(from - tailBlockBytes, from);
  let bytes = 0;
  while (
    bytes + tailBlockBytes <= most &&
    Buffer.compare(view(a, a.length - bytes), view(b, b.length - bytes)) === 0
  )
    bytes += tailBlockBytes;
  if (bytes === 0) return 0;
  const feed = b.indexOf(0x0a, b.length - bytes);
  const start = feed < 0 ? b.length : feed + 1;
  let lines = 0;
  while (lines < after.starts.length && (after.starts[after.starts.length - 1 - lines] ?? 0) >= start)
    lines += 1;
  return lines;
}

function trim(file: LineFile, tail: number): LineFile {
  const length = file.lines.length - tail;
  return { ...file, lines: file.lines.subarray(0, length), starts: file.starts };
}

/** Sets the flags of lines that have no equal on the other side, along a shortest way between the two. */
function compareLines(a: Int32Array, b: Int32Array, changedA: Uint8Array, changedB: Uint8Array): void {
  const shorter = Math.min(a.length, b.length);
  let head = 0;
  while (head < shorter && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const left = selectLines(a, b, head, a.length - tail, changedA);
  const right = selectLines(b, a, head, b.length - tail, changedB);
  const lines = {
    a: Int32Array.from(left, (at) => a[at] ?? 0),
    b: Int32Array.from(right, (at) => b[at] ?? 0),
  };
  const search = createSearch(lines.a, lines.b);
  walkBoxes(lines.a, lines.b, search, {
    markA: (at) => {
      changedA[left[at] ?? 0] = 1;
    },
    markB: (at) => {
      changedB[right[at] ?? 0] = 1;
    },
  });
}

const manyMax = 1024;
const windowLines = 100;

/** A power of two near the square root. */
function roughRoot(value: number): number {
  let root = 1;
  for (let left = value; left > 0; left = Math.floor(left / 4)) root *= 2;
  return root;
}

/** Places of the lines that are worth comparing; the others are changed: they have no equal, or too many amid lines that have none. */
function selectLines(
  own: Int32Array,
  other: Int32Array,
  from: number,
  to: number,
  changed: Uint8Array,
): readonly number[] {
  const counts = new Map<number, number>();
  for (const line of other) counts.set(line, (counts.get(line) ?? 0) + 1);
  const many = Math.min(roughRoot(own.length), manyMax);
  const kinds = new Uint8Array(own.length);
  for (let at = from; at < to; at += 1) {
    const count = counts.get(own[at] ?? -1) ?? 0;
    kinds[at] = count === 0 ? 0 : count >= many ? 2 : 1;
  }
  const selected: number[] = [];
  for (let at = from; at < to; at += 1) {
    const kind = kinds[at];
    if (kind === 1 || (kind === 2 && !isLost(kinds, at, from, to))) selected.push(at);
    else changed[at] = 1;
  }
  return selected;
}

/** Whether a line with many equals stands among lines that have none, on both sides. */
function isLost(kinds: Uint8Array, at: number, from: number, to: number): boolean {
  const look = (step: 1 | -1) => {
    let [none, some] = [0, 1];
    const end = step < 0 ? Math.max(from, at - windowLines) - 1 : Math.min(to - 1, at + windowLines) + 1;
    for (let place = at + step; place !== end && kinds[place] !== 1; place += step) {
      if (kinds[place] === 0) none += 1;
      else some += 1;
    }
    return { none, some };
  };
  const up = look(-1);
  if (up.none === 0) return false;
  const down = look(1);
  if (down.none === 0) return false;
  return (up.some + down.some) * 4 < up.some + down.some + up.none + down.none;
}

interface Box {
  readonly fromA: number;
  readonly toA: number;
  readonly fromB: number;
  readonly toB: number;
}

interface Marks {
  readonly markA: (at: number) => void;
  readonly markB: (at: number) => void;
}

type Search = (box: Box) => readonly [number, number];

/** Halves boxes until each holds lines of one side only. */
function walkBoxes(a: Int32Array, b: Int32Array, search: Search, marks: Marks): void {
  const open: Box[] = [{ fromA: 0, toA: a.length, fromB: 0, toB: b.length }];
  for (let box = open.pop(); box; box = open.pop()) {
    let { fromA, toA, fromB, toB } = box;
    while (fromA < toA && fromB < toB && a[fromA] === b[fromB]) [fromA, fromB] = [fromA + 1, fromB + 1];
    while (fromA < toA && fromB < toB && a[toA - 1] === b[toB - 1]) [toA, toB] = [toA - 1, toB - 1];
    if (fromA === toA) for (let at = fromB; at < toB; at += 1) marks.markB(at);
    else if (fromB === toB) for (let at = fromA; at < toA; at += 1) marks.markA(at);
    else {
      const [splitA, splitB] = search({ fromA, toA, fromB, toB });
      open.push({ fromA: splitA, toA, fromB: splitB, toB }, { fromA, toA: splitA, fromB, toB: splitB });
    }
  }
}

/** Steps of one search; beyond, the farthest point reached so far is taken. At least this, or the root of the lines. */
const stepsMin = 256;
/** Larger than any line. */
const beyond = 0x7fffffff;

/**
 * Where a shortest way through a box passes its middle: E. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), section 4b, searched from both ends at
 * once. Among ways of equal length the choice is Git's: the forward search moves in `a` where both moves reach as far, diagonals are taken from the highest down.
 */
function createSearch(a: Int32Array, b: Int32Array): Search {
  const size = a.length + b.length + 3;
  const middle = b.length + 1;
  const forward = new Int32Array(size);
  const backward = new Int32Array(size);
  const stepsMax = Math.max(stepsMin, roughRoot(size));
  const get = (row: Int32Array, diagonal: number) => row[diagonal + middle] ?? 0;
  const set = (row: Int32Array, diagonal: number, value: number) => {
    row[diagonal + middle] = value;
  };
  return ({ fromA, toA, fromB, toB }) => {
    const [lowest, highest] = [fromA - toB, toA - fromB];
    const start = fromA - fromB;
    const end = toA - toB;
    const odd = ((start - end) & 1) !== 0;
    let [fLow, fHigh, bLow, bHigh] = [start, start, end, end];
    set(forward, start, fromA);
    set(backward, end, toA);
    for (let steps = 1; ; steps += 1) {
      // Within the box a search grows by a diagonal on either side; at its edge it shrinks, and what it found there stays.
      if (fLow > lowest) set(forward, fLow - 2, -1);
      if (fHigh < highest) set(forward, fHigh + 2, -1);
      fLow += fLow > lowest ? -1 : 1;
      fHigh += fHigh < highest ? 1 : -1;
      for (let d = fHigh; d >= fLow; d -= 2) {
        let at = Math.max(get(forward, d - 1) + 1, get(forward, d + 1));
        while (at < toA && at - d < toB && a[at] === b[at - d]) at += 1;
        set(forward, d, at);
        if (odd && bLow <= d && d <= bHigh && get(backward, d) <= at) return [at, at - d];
      }
      if (bLow > lowest) set(backward, bLow - 2, beyond);
      if (bHigh < highest) set(backward, bHigh + 2, beyond);
      bLow += bLow > lowest ? -1 : 1;
      bHigh += bHigh < highest ? 1 : -1;
      for (let d = bHigh; d >= bLow; d -= 2) {
        let at = Math.min(get(backward, d - 1), get(backward, d + 1) - 1);
        while (at > fromA && at - d > fromB && a[at - 1] === b[at - d - 1]) at -= 1;
        set(backward, d, at);
        if (!odd && fLow <= d && d <= fHigh && at <= get(forward, d)) return [at, at - d];
      }
      if (steps >= stepsMax)
        return farthest({ fromA, toA, fromB, toB }, [fLow, fHigh, bLow, bHigh], (row, d) =>
          get(row === 'forward' ? forward : backward, d),
        );
    }
  };
}

/** The point nearest to the other end that either search has come to. */
function farthest(
  { fromA, toA, fromB, toB }: Box,
  [fLow, fHigh, bLow, bHigh]: readonly [number, number, number, number],
  get: (row: 'forward' | 'backward', diagonal: number) => number,
): readonly [number, number] {
  let [forward, forwardA] = [-1, 0];
  for (let d = fHigh; d >= fLow; d -= 2) {
    let at = Math.min(get('forward', d), toA);
    if (at - d > toB) at = toB + d;
    if (forward < at + at - d) [forward, forwardA] = [at + at - d, at];
  }
  let [backward, backwardA] = [Number.MAX_SAFE_INTEGER, 0];
  for (let d = bHigh; d >= bLow; d -= 2) {
    let at = Math.max(fromA, get('backward', d));
    if (at - d < fromB) at = fromB + d;
    if (at + at - d < backward) [backward, backwardA] = [at + at - d, at];
  }
  return toA + toB - backward < forward - (fromA + fromB)
    ? [forwardA, forward - forwardA]
    : [backwardA, backward - backwardA];
}
