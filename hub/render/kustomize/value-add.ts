/** ValueAddTransformer: one value into a field, or as one part of a path in it (kustomize api/filters/valueadd). */
import { posix } from 'node:path';
import type { Json, KubeObject } from '../../../shared/manifest/object.ts';
import { type Place, problemError } from '../render-error.ts';
import { checkObject, type Resource } from '../resource.ts';
import type { Accumulation } from './accumulate.ts';
import type { Base } from './accumulate-context.ts';
import { changeField, PathError, splitPath } from './field-spec.ts';
import { withObject } from './ids.ts';
import { checkShape } from './kustomization.ts';
import { SelectorError } from './label-selector.ts';
import { textOf } from './list-merge.ts';
import { loadYaml } from './load-yaml.ts';
import { setNamespace } from './names.ts';
import { pluginShapes } from './plugin-shapes.ts';
import { plainScalar } from './retype.ts';
import { compileSelector, type TargetSelector } from './selector.ts';

interface ValueTarget {
  readonly selector?: TargetSelector;
  readonly fieldPath?: string;
  readonly filePathPosition?: number;
}

export interface ValueAddArgs {
  readonly value?: string;
  readonly targets?: readonly ValueTarget[];
  readonly targetFilePath?: string;
}

/** @throws a Problem. */
export async function addValue<B extends Base>(
  start: readonly Resource[],
  args: ValueAddArgs,
  from: Accumulation<B>,
  place: Place,
): Promise<readonly Resource[]> {
  // Without a value kustomize takes the folder's name.
  const value = (args.value ?? '').trim() || posix.basename(from.folder);
  const targets = [...(args.targets ?? []), ...(await loadTargets(args.targetFilePath ?? '', from, place))];
  if (targets.length === 0) throw problemError('invalid_manifest', place, 'expected targets');
  let list = start;
  for (const target of targets) {
    if (!target.fieldPath)
      throw problemError('invalid_manifest', place, 'expected a fieldPath in each target');
    if ((target.filePathPosition ?? 0) < 0)
      throw problemError('invalid_manifest', place, 'expected a filePathPosition from 0 on');
    list = addTo(list, value, target, place);
  }
  return list;
}

async function loadTargets<B extends Base>(
  path: string,
  from: Accumulation<B>,
  place: Place,
): Promise<readonly ValueTarget[]> {
  if (path === '') return [];
  const { documents, place: where } = await loadYaml(path, from, place, 'kustomization');
  const shape = { fields: pluginShapes['ValueAddTransformer'] ?? {} };
  const file = checkShape(documents[0]?.value ?? {}, shape, [], () => where, 'lenient') as ValueAddArgs;
  return file.targets ?? [];
}

function addTo(
  list: readonly Resource[],
  value: string,
  { selector, fieldPath = '', filePathPosition = 0 }: ValueTarget,
  place: Place,
): readonly Resource[] {
  try {
    const isSelected = selector === undefined ? () => true : compileSelector(selector);
    return list.map((resource) => {
      if (!isSelected(resource)) return resource;
      if (fieldPath === 'metadata/namespace') {
        const [moved] = setNamespace([resource], value, { specs: [] });
        return withObject(resource, moved?.object ?? resource.object);
      }
      const changed = changeField(resource.object, {
        path: splitPath(fieldPath),
        create: true,
        createKind: 'scalar',
        set: (old) => {
          if (typeof old === 'object' && old !== null) throw new PathError('expected a scalar');
          const text = filePathPosition > 0 ? insertPart(textOf(old), filePathPosition - 1, value) : value;
          return inPlaceOf(old, text);
        },
      });
      return withObject(resource, checkObject(changed as unknown as Json, resource.place) as KubeObject);
    });
  } catch (caught) {
    if (!(caught instanceof PathError || caught instanceof SelectorError)) throw caught;
    throw problemError('invalid_manifest', place, caught.message);
  }
}

/** kustomize keeps how the value before was written: in quotes, so that the new one is a text, or plainly. @throws PathError where it could have been either. */
function inPlaceOf(old: Json | undefined, text: string): Json {
  const plain = plainScalar(text);
  if (plain === text || typeof old !== 'string') return plain;
  if (plainScalar(old) !== old) return text;
  throw new PathError(
    `${JSON.stringify(text)} in place of the text ${JSON.stringify(old)}: kustomize makes it a text only where that one is in quotes, which is not known here: use a patch`,
  );
}

/** Puts a part into a file path; an absolute path stays one. */
function insertPart(path: string, position: number, part: string): string {
  const parts =
    path === ''
      ? []
      : posix
          .normalize(path)
          .replace(/(?<=.)\/$/, '')
          .split('/');
  if (path === '/') parts.length = 1;
  const at = Math.min(position, parts.length);
  return parts.toSpliced(parts[0] === '' && at < parts.length ? at + 1 : at, 0, part).join('/');
}
