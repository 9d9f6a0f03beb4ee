import { canonicalJson } from '../../shared/manifest/canonical.ts';
import { listNames } from '../../shared/text/list-names.ts';
import { plain } from '../../shared/text/plain.ts';
import { nameText } from './field-lines.ts';
import type { ApplicationReport, ChangeVariant, ObjectReport } from './report.ts';

/** Objects of one kind and namespace with the very same changes in the very same clusters: told once, for people. */
export interface AlikeObjects {
  /** Of the first object. */
  readonly variants: readonly ChangeVariant[];
  /** Names of the others, in order. */
  readonly others: readonly string[];
}

/** In the order of the first object of each group. Renamed objects are told by themselves: their names are the change. Pure. */
export function mergeAlike({
  objects,
  clusters,
}: Pick<ApplicationReport, 'objects' | 'clusters'>): readonly AlikeObjects[] {
  const groups = new Map<string, { variants: ObjectReport['variants']; others: string[] }>();
  for (const [index, { variants }] of objects.entries()) {
    const [first] = variants;
    if (!first) continue;
    const id = isAlone(variants, clusters.count) ? String(index) : alikeId(variants);
    const known = groups.get(id);
    if (known) known.others.push(first.key.name);
    else groups.set(id, { variants, others: [] });
  }
  return [...groups.values()];
}

function isAlone(variants: ObjectReport['variants'], clustersOfAll: number): boolean {
  return variants.some(({ keyBefore, fieldsOmitted, key, clusters: { count, names } }) => {
    const otherName = key.name !== variants[0]?.key.name;
    // Where not all names are told, only "all of them" is sure to mean the same clusters.
    const unsure = names.length < count && count !== clustersOfAll;
    return keyBefore !== null || fieldsOmitted > 0 || otherName || unsure;
  });
}

function alikeId(variants: ObjectReport['variants']): string {
  return canonicalJson(
    variants.map(({ key: { group, kind, namespace }, ...rest }) => ({ ...rest, group, kind, namespace })),
  );
}

const namesShown = 6;

/** `Deployment shop/web, api, worker and 4 more` */
export function namesText(variant: ChangeVariant, others: readonly string[]): string {
  return listNames([nameText(variant), ...others.map(plain)], namesShown);
}
