/** How the states of things are said and coloured, in one place. */
import type { Colours } from '../output/colour.ts';

const good = new Set(['Healthy', 'Current', 'Synced', 'True', 'Resolved', 'connected', 'Complete', 'Done']);
const bad = new Set([
  'Failed',
  'Refused',
  'Drifted',
  'Contested',
  'False',
  'drifted',
  'NotFound',
  'RollingBack',
  'RolledBack',
  'Aborted',
  'Reverted',
]);
const waiting = new Set([
  'InProgress',
  'Pending',
  'Terminating',
  'Assigned',
  'Received',
  'Applied',
  'Retained',
  'Progressing',
  'Paused',
]);

/** By what the state means: good, bad, on its way; others are dim. */
export function colourState(colours: Colours, state: string): string {
  if (good.has(state)) return colours.good(state);
  if (bad.has(state)) return colours.bad(state);
  if (waiting.has(state)) return colours.warn(state);
  return colours.dim(state);
}

/** The first seven digits, as Git shows commits. */
export function shortRevision(id: string): string {
  return id === '' ? '-' : id.slice(0, 7);
}

export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
