/** CustomResourceDefinitions: their own rules, and the kinds they bring. Custom kinds have no schema here. */
import { setOf } from '../merge/field-set.ts';
import { customType, deepEqual, type Json, type Mutable } from '../schema/types.ts';
import { type Cause, invalidValue, required } from '../status.ts';
import { at, listAt, metadataOf, numberAt, setOrDelete, textAt } from './access.ts';
import type { Kind, KindRules } from './kind.ts';
import { customRules, plainRules } from './rules.ts';

const VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

export const definitionRules: Partial<KindRules> = {
  unconditionalUpdate: false,
  reset: setOf(['f:status']),
  resetStatus: setOf(['f:spec']),
  prepareCreate(object) {
    metadataOf(object)['generation'] = 1;
    const stored = listAt(object, 'status', 'storedVersions');
    object['status'] = {
      conditions: null,
      acceptedNames: { plural: '', kind: '' },
      storedVersions: [...stored],
    };
  },
  prepareUpdate(object, old) {
    setOrDelete(object, 'status', old['status']);
    if (!deepEqual(object['spec'], old['spec']))
      metadataOf(object)['generation'] = (numberAt(old, 'metadata', 'generation') ?? 0) + 1;
  },
  prepareStatus: (object, old) => setOrDelete(object, 'spec', old['spec']),
  validate: checkDefinition,
};

function checkDefinition(object: Json): Cause[] {
  const causes: Cause[] = [];
  const spec = at(object, 'spec');
  const wanted = `${textAt(spec, 'names', 'plural')}.${textAt(spec, 'group')}`;
  if (textAt(object, 'metadata', 'name') !== wanted)
    causes.push(
      invalidValue(
        'metadata.name',
        textAt(object, 'metadata', 'name'),
        `must be spec.names.plural+"."+spec.group`,
      ),
    );
  for (const [value, field] of [
    [textAt(spec, 'group'), 'spec.group'],
    [textAt(spec, 'names', 'plural'), 'spec.names.plural'],
    [textAt(spec, 'names', 'kind'), 'spec.names.kind'],
  ] as const)
    if (!value) causes.push(required(field));
  const stored = listAt(spec, 'versions').filter((version) => at(version, 'storage') === true);
  if (stored.length !== 1)
    causes.push(
      invalidValue('spec.versions', null, 'must have exactly one version marked as storage version'),
    );
  return causes;
}

/** The kinds a definition serves, one a served version. */
export function kindsOf(definition: Mutable): Kind[] {
  const spec = definition['spec'] ?? null;
  const names = at(spec, 'names') ?? null;
  return listAt(spec, 'versions')
    .filter((version) => at(version, 'served') === true)
    .map((version) => {
      const group = textAt(spec, 'group');
      const apiVersion = `${group}/${textAt(version, 'name')}`;
      const hasStatus = at(version, 'subresources', 'status') !== undefined;
      return {
        group,
        version: textAt(version, 'name'),
        apiVersion,
        kind: textAt(names, 'kind'),
        listKind: textAt(names, 'listKind') || `${textAt(names, 'kind')}List`,
        resource: textAt(names, 'plural'),
        singular: textAt(names, 'singular'),
        shortNames: listAt(names, 'shortNames').map(String),
        categories: listAt(names, 'categories').map(String),
        namespaced: textAt(spec, 'scope') === 'Namespaced',
        verbs: VERBS,
        status: hasStatus,
        scale: false,
        custom: true,
        type: customType,
        empty: { apiVersion, kind: textAt(names, 'kind') },
        rules: plainRules(customType, customRules(hasStatus)),
      };
    });
}

/** The status the API server's own controllers would give a definition whose names are free. */
export function establishedStatus(definition: Mutable, time: string): Mutable {
  const condition = (type: string, reason: string, message: string): Json => ({
    type,
    status: 'True',
    lastTransitionTime: time,
    reason,
    message,
  });
  return {
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    acceptedNames: at(definition, 'spec', 'names') ?? {},
    storedVersions: [...listAt(definition, 'status', 'storedVersions')],
  };
}
