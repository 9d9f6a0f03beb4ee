import { renderDuration } from '../../shared/text/duration.ts';

/** `5 min ago`, `just now` below a second. */
export function agoText(durationMs: number): string {
  return durationMs < 1000 ? 'just now' : `${renderDuration(durationMs)} ago`;
}
