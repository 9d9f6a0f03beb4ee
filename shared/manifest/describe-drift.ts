import { listNames } from '../../shared/text/list-names.ts';
import type { Drift, FieldChange } from './health.ts';

/** Fields and writers named in one sentence; the data has all. */
const fieldsMax = 5;
const writersMax = 3;
const valueCharactersMax = 80;

/**
 * A drift as a sentence for people: which fields went from what to what, by which field manager, with which operation and when, and how long it
 * stood. `/spec/minReplicas 3 -> 4 by kubectl-edit (Update) at 11:15:33Z; undone after 19 ms`. Times are UTC; the day is told when it is not the
 * one on which the drift was found.
 * @param secret values are left out, whatever the data holds.
 */
export function describeDrift(drift: Drift, secret: boolean): string {
  const { healedAtMs, foundAtMs } = drift;
  const undone = healedAtMs === undefined ? '' : `; undone after ${describeDuration(healedAtMs - foundAtMs)}`;
  return describeChange(drift, secret) + describeWriters(drift) + undone;
}

/** `19 ms`, `1.4 s`, `52 s`, `3 min`, `2 h`. */
export function describeDuration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1_000) return `${whole} ms`;
  if (whole < 9_950) return `${(whole / 1_000).toFixed(1)} s`;
  if (whole < 119_500) return `${Math.round(whole / 1_000)} s`;
  return whole < 7_200_000 ? `${Math.round(whole / 60_000)} min` : `${Math.round(whole / 3_600_000)} h`;
}

function describeChange({ kind, fields }: Drift, secret: boolean): string {
  if (kind === 'deleted') return 'deleted';
  const named = fields.slice(0, fieldsMax).map((field) => describeField(field, kind, secret));
  const list = listNames(named, fieldsMax, fields.length);
  if (kind !== 'recreated') return list === '' ? kind : list;
  return list === '' ? 'deleted and made anew' : `deleted and made anew with ${list}`;
}

function describeField({ path, desired, live }: FieldChange, kind: Drift['kind'], secret: boolean): string {
  if (secret) return `${path} ${kind === 'foreign' ? 'added' : 'changed'}`;
  if (desired === undefined && live === undefined) return `${path} changed`;
  if (desired === undefined) return `${path} ${cut(live)} added`;
  if (live === undefined) return `${path} ${cut(desired)} removed`;
  return `${path} ${cut(desired)} -> ${cut(live)}`;
}

function cut(value = ''): string {
  return value.length > valueCharactersMax ? `${value.slice(0, valueCharactersMax)}...` : value;
}

function describeWriters({ managers, foundAtMs }: Drift): string {
  if (managers.length === 0) return '';
  const named = managers.slice(0, writersMax).map(({ name, operation, timeMs }) => {
    const when = timeMs === undefined ? '' : ` at ${describeTime(timeMs, foundAtMs)}`;
    return `${name}${operation === '' ? '' : ` (${operation})`}${when}`;
  });
  return ` by ${listNames(named, writersMax, managers.length)}`;
}

/** managedFields tells seconds. */
function describeTime(timeMs: number, foundAtMs: number): string {
  const time = `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
  return time.slice(0, 10) === new Date(foundAtMs).toISOString().slice(0, 10) ? time.slice(11) : time;
}
