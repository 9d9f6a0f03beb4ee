import type { FactValues } from '../../shared/manifest/cluster-facts.ts';
import type { Json } from '../../shared/manifest/object.ts';
import type { ParitySide } from '../model/parity.ts';
import type { Normaliser } from './normalise.ts';

/** An entry of a section: what one cluster calls it, and what it is there. */
export interface Entry {
  readonly name: string;
  readonly value: Json;
}

/** The same thing in both clusters, or what only one of them has. */
export interface EntryPair {
  readonly primary: Entry | undefined;
  readonly standby: Entry | undefined;
}

/**
 * Which entries are one thing: those of one name, and of the others those whose names are equal in words that both clusters have in common (`north.example.com/web:1` here and `south.example.com/web:1`
 * there). A name that both have counts first, or what is shared by both would be held against what merely sounds like it; an entry that has no namesake is held against its counterpart even
 * if that has one. By name, the primary's first. Pure.
 */
export function pairEntries(
  left: FactValues,
  right: FactValues,
  normalisers: Readonly<Record<ParitySide, Normaliser>>,
): readonly EntryPair[] {
  const values = { primary: left, standby: right };
  const common = (side: ParitySide, name: string) => String(normalisers[side](name));
  const index = (side: ParitySide) =>
    new Map(Object.keys(values[side]).map((name) => [common(side, name), name]));
  const byCommon = { primary: index('primary'), standby: index('standby') };
  const entryOf = (side: ParitySide, name: string | undefined): Entry | undefined => {
    const value = name !== undefined && Object.hasOwn(values[side], name) ? values[side][name] : undefined;
    return name === undefined || value === undefined ? undefined : { name, value };
  };
  const counterpart = (side: ParitySide, name: string): Entry | undefined => {
    const other = side === 'primary' ? 'standby' : 'primary';
    return entryOf(other, name) ?? entryOf(other, byCommon[other].get(common(side, name)));
  };
  const pairs = Object.keys(left).map(
    (name): EntryPair => ({ primary: entryOf('primary', name), standby: counterpart('primary', name) }),
  );
  const met = new Set(pairs.map(({ standby }) => standby?.name));
  const rest = Object.keys(right)
    .filter((name) => !met.has(name))
    .map((name): EntryPair => ({ primary: counterpart('standby', name), standby: entryOf('standby', name) }));
  return [...pairs, ...rest];
}
