/** kustomize's built-in transformers as objects. */
import type { Json } from '../../../shared/manifest/object.ts';
import { type Place, problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import type { EntryTrace } from '../trace/entry-trace.ts';
import type { Accumulation } from './accumulate.ts';
import type { Base } from './accumulate-context.ts';
import type { FieldSpec } from './field-spec.ts';
import { addHashes } from './generators.ts';
import type { ImageArgs, PatchArgs, ReplicaArgs } from './kustomization.ts';
import { addAffix, type SubjectMode } from './names.ts';
import type { Plugin } from './plugins.ts';
import { setEntries } from './shared-entries.ts';
import {
  guarded,
  moveToNamespace,
  patch,
  patchJson6902,
  patchStrategicMerge,
  type ReplacementEntry,
  refuseEmptyPatches,
  replaceFields,
  setImages,
  setReplicas,
} from './steps.ts';
import { addValue, type ValueAddArgs } from './value-add.ts';

type Resources = readonly Resource[];

/** What the descriptions may hold, of whichever kind. */
interface Config {
  readonly fieldSpecs?: readonly FieldSpec[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly metadata?: { readonly namespace?: string };
  readonly unsetOnly?: boolean;
  readonly setRoleBindingSubjects?: string;
  readonly imageTag?: ImageArgs;
  readonly replica?: ReplicaArgs;
  readonly jsonOp?: string;
  readonly paths?: readonly string[];
  readonly patches?: string;
  readonly replacements?: readonly ReplacementEntry[];
}

type Run = <B extends Base>(
  list: Resources,
  config: Config & PatchArgs & ValueAddArgs,
  from: Accumulation<B>,
  place: Place,
  trace: EntryTrace | undefined,
) => Resources | Promise<Resources>;

const affix =
  (...sides: readonly ('prefix' | 'suffix')[]): Run =>
  (list, { fieldSpecs, ...config }, _from, place) => {
    if (fieldSpecs === undefined) throw problemError('invalid_manifest', place, 'expected fieldSpecs');
    return guarded(place, () =>
      sides.reduce((all, side) => addAffix(all, config[side] ?? '', side, fieldSpecs), list),
    );
  };

const namespace: Run = (list, config, _from, place) => {
  const { metadata, fieldSpecs: specs = [], unsetOnly = false, setRoleBindingSubjects = '' } = config;
  const subjects = setRoleBindingSubjects || 'defaultOnly';
  if (!isSubjectMode(subjects))
    throw problemError(
      'invalid_manifest',
      { ...place, field: 'setRoleBindingSubjects' },
      'expected defaultOnly, allServiceAccounts or none',
    );
  if (!metadata?.namespace) return list;
  return moveToNamespace(list, metadata.namespace, { specs, unsetOnly, subjects }, place);
};

function isSubjectMode(text: string): text is SubjectMode {
  return text === 'defaultOnly' || text === 'allServiceAccounts' || text === 'none';
}

const strategicMerge: Run = async (list, { paths = [], patches = '' }, from, place, trace) => {
  const entries = [...paths, ...(patches === '' ? [] : [patches])];
  if (entries.length === 0) throw problemError('invalid_manifest', place, 'expected paths or patches');
  const traceOf = (index: number) =>
    index < paths.length ? trace?.below('paths', index) : trace?.below('patches');
  await refuseEmptyPatches(entries, from, () => place);
  return patchStrategicMerge(list, entries, from, () => place, traceOf);
};

const transformers: Readonly<Record<string, Run>> = {
  AnnotationsTransformer: (list, { annotations = {}, fieldSpecs = [] }, from, place) =>
    guarded(place, () => setEntries(list, annotations, fieldSpecs, from.context.traceFrom !== undefined)),
  HashTransformer: (list) => addHashes(list),
  ImageTagTransformer: (list, { imageTag = {}, fieldSpecs = [] }, _from, place) =>
    setImages(list, imageTag, fieldSpecs, place),
  LabelTransformer: (list, { labels = {}, fieldSpecs = [] }, from, place) =>
    guarded(place, () => setEntries(list, labels, fieldSpecs, from.context.traceFrom !== undefined)),
  NamespaceTransformer: namespace,
  PatchJson6902Transformer: (list, { target, path, jsonOp }, from, place, trace) => {
    const args = { ...(target && { target }), ...(path && { path }), ...(jsonOp && { patch: jsonOp }) };
    return patchJson6902(
      ...([list, [args], from] as const),
      () => place,
      () => trace,
      'jsonOp',
    );
  },
  PatchStrategicMergeTransformer: strategicMerge,
  PatchTransformer: (list, args, from, place, trace) => patch(list, args, from, place, trace),
  PrefixSuffixTransformer: affix('prefix', 'suffix'),
  PrefixTransformer: affix('prefix'),
  ReplacementTransformer: (list, { replacements = [] }, from, place, trace) =>
    replaceFields(
      ...([list, replacements, from] as const),
      () => place,
      (index) => trace?.below('replacements', index),
    ),
  ReplicaCountTransformer: (list, { replica = {}, fieldSpecs = [] }, _from, place) =>
    setReplicas(list, replica, fieldSpecs, place),
  SuffixTransformer: affix('suffix'),
  ValueAddTransformer: addValue,
};

/** @throws a Problem. */
export async function runTransformer<B extends Base>(
  { kind, config, place }: Plugin,
  list: Resources,
  from: Accumulation<B>,
  trace: EntryTrace | undefined,
): Promise<Resources> {
  const run = transformers[kind];
  if (run === undefined) throw problemError('internal', place, `no transformer ${kind}`);
  const next = await run(list, config as Readonly<Record<string, Json>> & Config, from, place, trace);
  return trace?.transformed(next, kind, config) ?? next;
}
