/** Where values are written that a step takes out of other objects: replacements, vars, names that references follow. */
import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import { type Json, type KubeObject, keyOf } from '../../../shared/manifest/object.ts';
import type { FieldPath, TracedIdentity, ValueSource, Written } from '../../model/trace.ts';
import { valueAt } from '../../model/trace-chain.ts';
import { printFieldPath } from '../../model/trace-path.ts';
import { findField } from '../kustomize/field-path.ts';
import { splitPath } from '../kustomize/field-spec.ts';
import type { NameReference } from '../kustomize/field-tables.ts';
import { isSelected } from '../kustomize/ids.ts';
import { findSource, type ReplacementArgs } from '../kustomize/replacements.ts';
import { type VarSet, varParts } from '../kustomize/vars.ts';
import type { Place } from '../render-error.ts';
import { isSecretObject, type Resource } from '../resource.ts';
import { type FindOrigin, type Origin, type RawChange, type Spot, spotBelow } from './lineage.ts';

export function identityOf(object: KubeObject): TracedIdentity {
  return { ...keyOf(object), apiVersion: object.apiVersion };
}

/** A field of another object, as the place where the value is written. */
function takenFrom(
  resource: Resource,
  path: FieldPath,
  holds: Written['holds'],
  otherwise: Spot | Written,
): Origin {
  const secret = isSecretObject(resource.object) && path[0] !== 'metadata';
  const from: ValueSource = { object: identityOf(resource.object), field: printFieldPath(path), secret };
  const { lineage } = resource;
  return { lineage, path, holds, from, otherwise };
}

/** @param spot of the replacement. @param before the objects that it was applied to. */
export function replacedFrom(spot: Spot, args: ReplacementArgs, before: readonly Resource[]): FindOrigin {
  const { source, sourceValue } = args;
  if (source === undefined)
    return ({ after }) => ({
      spot: spotBelow(spot, 'sourceValue'),
      holds: String(after) === sourceValue ? 'value' : 'part',
    });
  // Once for all fields of a value that is copied: there may be thousands.
  let found: ReturnType<typeof findSource> | undefined;
  return (change) => {
    found ??= findSource(before, source);
    const { resource, path, json } = found;
    const below = partOf(json, change);
    const holds = below === undefined ? (change.after === undefined ? 'cause' : 'part') : 'value';
    return takenFrom(resource, [...path, ...(below ?? [])], holds, spotBelow(spot, 'source'));
  };
}

/** Where in the value that was put in the changed field is; empty: it is the value. Undefined: it is made from it. */
function partOf(json: Json, { path, after }: RawChange): FieldPath | undefined {
  if (after === undefined) return undefined;
  for (let length = 0; length <= path.length; length += 1) {
    const rest = path.slice(path.length - length);
    const found = valueAt(json, rest, {});
    if (found === undefined || isFilled(found) !== isFilled(after)) continue;
    if (textOf(found) === textOf(after)) return rest;
  }
  return undefined;
}

function isFilled(value: Json): boolean {
  return typeof value === 'object' && value !== null;
}

function textOf(value: Json): string {
  return typeof value === 'object' ? canonicalJson(value) : String(value);
}

/** The object whose new name the reference follows. */
export function referredFrom(
  referrer: Resource,
  list: readonly Resource[],
  table: readonly NameReference[],
): FindOrigin {
  return (change) => {
    const targets = list.filter((one) => isFollowed(one, change));
    const wanted = targetsOf(referrer, change.path, table);
    const target =
      targets.find(({ object, history }) =>
        wanted.some((selector) =>
          history.previous.some((id) => isSelected(object.apiVersion, id.kind, selector)),
        ),
      ) ?? targets[0];
    if (target === undefined) return undefined;
    const field = change.path.at(-1) === 'namespace' ? 'namespace' : 'name';
    return takenFrom(target, ['metadata', field], 'cause', nowhere);
  };
}

/** Stands for what nobody wrote. */
export const nowhere: Written = { source: 'none', file: '', line: 0, field: '', holds: 'cause' };

function isFollowed(
  { object: { metadata }, history }: Resource,
  { path, before, after }: RawChange,
): boolean {
  if (path.at(-1) === 'namespace') return metadata.namespace === after && history.previous.length > 0;
  return metadata.name === after && history.previous.some((id) => id.name === before);
}

function targetsOf(
  { object, history }: Resource,
  path: FieldPath,
  table: readonly NameReference[],
): readonly NameReference['target'][] {
  const fields = path.filter((part) => typeof part === 'string').join('/');
  const kind = history.previous[0]?.kind ?? object.kind;
  return table
    .filter(({ referrers }) =>
      referrers.some((referrer) => {
        if (!isSelected(object.apiVersion, kind, referrer)) return false;
        const own = splitPath(referrer.path).join('/').replaceAll('[]', '');
        return fields === own || fields.startsWith(`${own}/`);
      }),
    )
    .map(({ target }) => target);
}

/** A var's value, in a text that named it. */
export function expandedFrom(vars: VarSet, before: readonly Resource[]): FindOrigin {
  return (change) => {
    for (const [, name = ''] of String(change.before ?? '').matchAll(/\$\(([^)]*)\)/g)) {
      const found = vars.get(name);
      const source = before.find(({ history }) => history.vars.includes(name));
      if (found === undefined || source === undefined) continue;
      const field = findField(source.object as unknown as Json, varParts(found.fieldPath));
      if (field === undefined) continue;
      const whole = change.before === `$(${name})`;
      return takenFrom(source, field.path, whole ? 'value' : 'part', writtenAtPlace(found.place, 'cause'));
    }
    return undefined;
  };
}

/** A line that is known already. */
export function writtenAtPlace({ file, line }: Place, holds: Written['holds']): Written {
  return { source: 'repository', file, line, field: '', holds };
}
