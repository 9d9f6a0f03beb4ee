/** PATCH in its four forms. */
import { at, metadataOf, textAt } from '../kinds/access.ts';
import type { Kind } from '../kinds/kind.ts';
import { applyManagers, decodeManagers, type FieldConflict } from '../merge/managers.ts';
import { jsonPatch, mergePatch, PatchError, strategicPatch } from '../merge/patches.ts';
import { checkApplied } from '../schema/normalise.ts';
import { isList, isObject, type Json, type Mutable } from '../schema/types.ts';
import { badRequest, type Cause, internalError, StatusError, unsupportedMedia } from '../status.ts';
import { decodeObject, type FieldValidation } from './decode.ts';
import { setManagers, type WriteContext, type WriteOptions, withoutManagers, writerOf } from './writes.ts';

export type PatchForm = 'json' | 'merge' | 'strategic' | 'apply';

const FORMS: Readonly<Record<string, PatchForm>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

/** The form a content type names; throws a 415 for others, and for strategic merge on custom kinds. */
export function patchForm(contentType: string, custom: boolean): PatchForm {
  const form = FORMS[contentType.split(';')[0]?.trim() ?? ''];
  if (!form || (custom && form === 'strategic')) throw unsupportedMedia();
  return form;
}

/** The live object with a json, merge or strategic patch laid over it, decoded. */
export function patchedObject(
  kind: Kind,
  live: Mutable,
  patch: Json,
  form: PatchForm,
  validation: FieldValidation,
) {
  return decodeObject(kind, patchedValue(kind, live, patch, form), validation, true);
}

function patchedValue(kind: Kind, live: Mutable, patch: Json, form: PatchForm): Json {
  try {
    if (form === 'json') {
      if (!isList(patch)) throw badRequest('json patch: cannot unmarshal object into a list of operations');
      return jsonPatch(live, patch);
    }
    if (!isObject(patch)) throw badRequest('the patch is no object');
    return form === 'merge' ? mergePatch(live, patch) : strategicPatch(kind.type, live, patch);
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    if (form === 'json') throw new StatusError(422, 'Invalid', error.message, {});
    throw badRequest(error.message);
  }
}

/** `.spec.containers[name="web"].image`, as conflicts name fields. */
function fieldText(path: readonly string[]): string {
  return path
    .map((element) => {
      const rest = element.slice(2);
      if (element.startsWith('f:')) return `.${rest}`;
      if (element.startsWith('v:')) return `[=${rest}]`;
      const keys = JSON.parse(rest) as { readonly [key: string]: Json };
      const pairs = Object.entries(keys).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      return `[${pairs.join(',')}]`;
    })
    .join('');
}

function conflictError(conflicts: readonly FieldConflict[]): StatusError {
  const causes: Cause[] = conflicts
    .map(({ manager, path }) => {
      const via = manager.subresource ? ` with subresource "${manager.subresource}"` : '';
      const version = manager.operation === 'Update' ? ` using ${manager.apiVersion}` : '';
      return {
        reason: 'FieldManagerConflict',
        message: `conflict with "${manager.name}"${via}${version}${manager.time && version ? ` at ${manager.time}` : ''}`,
        field: fieldText(path),
      };
    })
    .sort((a, b) => (a.message + a.field < b.message + b.field ? -1 : 1));
  const noun = causes.length === 1 ? '1 conflict' : `${causes.length} conflicts`;
  const message = `Apply failed with ${noun}: ${causes.map((cause) => `${cause.message}: ${cause.field}`).join(', ')}`;
  return new StatusError(409, 'Conflict', message, { causes });
}

/** The object that server-side apply makes of the live one (undefined: nothing there yet), with its managers set. */
export function appliedObject(
  context: WriteContext,
  kind: Kind,
  live: Mutable | undefined,
  name: string,
  configuration: Json,
  options: WriteOptions,
  force: boolean,
): Mutable {
  checkConfiguration(kind, configuration, name);
  const base = live ? withoutManagers(live) : ((structuredClone(kind.empty) as Mutable) ?? {});
  const managers = decodeManagers(at(live, 'metadata', 'managedFields')) ?? new Map();
  const writer = writerOf(context, kind, options);
  const result = applyManagers(kind.type, kind.empty, base, configuration, managers, writer);
  if (!force && result.conflicts.length > 0) throw conflictError(result.conflicts);
  const { object } = decodeObject(kind, result.merged ?? base, 'Ignore', false);
  const metadata = metadataOf(object);
  if (!live) metadata['name'] = name;
  setManagers(object, result.managers);
  return object;
}

function checkConfiguration(kind: Kind, configuration: Json, name: string): void {
  if (!isObject(configuration)) throw badRequest('error decoding YAML: no object');
  const apiVersion = textAt(configuration, 'apiVersion');
  if (!textAt(configuration, 'kind')) throw badRequest('error decoding YAML: Object kind is missing');
  if (apiVersion !== kind.apiVersion)
    throw badRequest(
      `Incorrect version specified in apply patch. Specified patch version: ${apiVersion}, expected: ${kind.apiVersion}`,
    );
  if (
    at(configuration, 'metadata', 'managedFields') !== undefined &&
    at(configuration, 'metadata', 'managedFields') !== null
  )
    throw badRequest('metadata.managedFields must be nil');
  const given = textAt(configuration, 'metadata', 'name');
  if (given && given !== name)
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  const problem = checkApplied(kind.type, configuration);
  if (problem)
    throw internalError(
      `failed to create typed patch object (/${name}; ${kind.apiVersion}, Kind=${kind.kind}): ${problem}`,
    );
}
