import type { ApiFailover } from '../../api/schemas/failover.ts';
import type { ApiParity } from '../../api/schemas/parity.ts';
import type { Client } from '../client.ts';
import type { Colours } from '../output/colour.ts';
import { renderRelative } from '../output/relative-time.ts';
import { kindText } from './render-failover.ts';

/** What the lines are made of: a failover, or what a parity group says of its own. */
export type OpenFailover = NonNullable<ApiParity['failover']> & { readonly group: string };

/** Failovers that are under way, for every page that shows what they change. */
export async function loadOpenFailovers(client: Client): Promise<readonly OpenFailover[]> {
  const path = '/api/v1/failovers';
  const { items } = await client.get<{ readonly items: readonly ApiFailover[] }>(path, { open: 'true' });
  return items.map((one) => ({
    ...one,
    overrideUntil: one.overrideState === 'active' ? one.overrideUntil : null,
  }));
}

/** `failover  shop-eu eu-1 -> eu-2 Switching: ...; roles by the hub's own word, ends in 3 h`. */
export function renderOpenFailover(
  { group, kind, from, to, phase, message, overrideUntil }: OpenFailover,
  colours: Colours,
  nowMs: number,
): string {
  const word =
    overrideUntil === null
      ? ''
      : `; roles by the hub's own word, which ends ${renderRelative(overrideUntil, nowMs)} (${overrideUntil})`;
  return `${colours.warn(kindText(kind))}  ${group} ${from} -> ${to} ${phase}: ${message}${word}`;
}

/** A line each, with an empty one after; empty where nothing is under way. @param clusters only those that touch one of them; undefined: all. */
export function renderOpenFailovers(
  failovers: readonly OpenFailover[],
  { colours, nowMs }: { readonly colours: Colours; readonly nowMs: number },
  clusters?: ReadonlySet<string>,
): string {
  const shown = failovers.filter(({ from, to }) => clusters?.has(from) || clusters?.has(to) || !clusters);
  if (shown.length === 0) return '';
  return `${shown.map((one) => `${renderOpenFailover(one, colours, nowMs)}\n`).join('')}\n`;
}
