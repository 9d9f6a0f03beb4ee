/** What kustomize does once, at the top: name hashes, references, local objects left out, the default order. */
import type { JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import type { Resource } from '../resource.ts';
import { stemOf } from '../stem.ts';
import type { FinalTrace } from '../trace/final-trace.ts';
import { checkSubjects } from './check-subjects.ts';
import { addHashes } from './generators.ts';
import { withObject } from './ids.ts';
import { textOf } from './list-merge.ts';
import { addMetadata, originKey, transformationsKey } from './origins.ts';
import { fixReferences } from './references.ts';
import { type Sort, sortResources } from './sort-order.ts';
import type { TransformerConfig } from './transformer-config.ts';
import { resolveVars, type VarSet } from './vars.ts';

/** @throws a Problem for a reference that could mean several objects, and for a var without a value. */
export function finalize(built: Finalizable, trace?: FinalTrace): readonly Resource[] {
  const { resources, config, vars, sort, buildMetadata } = built;
  const hashed = addHashes(resources);
  const named = trace?.hashed(hashed) ?? hashed;
  checkSubjects(named);
  const fixed = fixReferences(named, config.nameReference);
  const referring = trace?.referred(fixed, config) ?? fixed;
  const resolved = resolveVars(referring, vars, config.varReference);
  const list: Resource[] = [];
  for (const resource of trace?.expanded(resolved, referring, vars) ?? resolved) {
    const one = handedOn(resource);
    if (one !== undefined) list.push(one);
  }
  const sorted = sortResources(trace?.cleaned(list) ?? list, sort);
  const described = addMetadata(sorted, buildMetadata);
  return trace?.described(described) ?? described;
}

/** A built folder, and what its own kustomization says of the end. */
export interface Finalizable {
  readonly resources: readonly Resource[];
  readonly config: TransformerConfig;
  readonly vars: VarSet;
  readonly sort: Sort | undefined;
  readonly buildMetadata: readonly string[];
}

/** Whether the object is for other tools only, and left out at the end. */
export function isLocal(object: KubeObject): boolean {
  const annotations = object.metadata.annotations as JsonObject | null | undefined;
  const local = annotations?.['config.kubernetes.io/local-config'];
  return local !== undefined && textOf(local) !== 'false';
}

/** Undefined for what is left out. */
function finalObject(object: KubeObject): KubeObject | undefined {
  if (!Object.hasOwn(object.metadata, 'annotations')) return object;
  return isLocal(object) ? undefined : normalAnnotations(object);
}

/** As it is handed on; undefined for what is left out. */
function handedOn(resource: Resource): Resource | undefined {
  const { object, stem } = resource;
  if (stem === undefined || stem.object !== object) {
    const made = finalObject(object);
    return made && withObject(resource, made);
  }
  stem.final ??= { object: finalObject(object) };
  const made = stem.final.object;
  if (made === object || made === undefined) return made && resource;
  return { ...resource, object: made, stem: stemOf(made) };
}

const bookkeeping = new Set([
  originKey,
  transformationsKey,
  'config.kubernetes.io/index',
  'config.kubernetes.io/path',
  'config.k8s.io/id',
  ...[
    ...['previousKinds', 'previousNames', 'previousNamespaces', 'prefixes', 'suffixes', 'refBy'],
    ...['allowNameChange', 'allowKindChange', 'generatorBehavior', 'needsHashSuffix', 'helm-generated'],
    ...['index', 'path', 'seqindent', 'id', 'annotations-migration-resource-id'],
  ].map((name) => `internal.config.kubernetes.io/${name}`),
]);

/** Annotations that kustomize keeps for itself and takes away at the end, whoever wrote them. */
function isBookkeeping(key: string): boolean {
  return bookkeeping.has(key);
}

/** kustomize writes every object's annotations anew, as text, and leaves an empty map out (kyaml rnode.go SetAnnotations). */
function normalAnnotations(object: KubeObject): KubeObject {
  const metadata = object.metadata as JsonObject;
  const all = Object.entries((metadata['annotations'] ?? {}) as JsonObject);
  const entries = all.filter(([key]) => !isBookkeeping(key));
  const { annotations: _old, ...rest } = metadata;
  if (entries.length === 0) return { ...object, metadata: rest as unknown as KubeObject['metadata'] };
  if (entries.length === all.length && entries.every(([, value]) => typeof value === 'string')) return object;
  const annotations = Object.fromEntries(entries.map(([key, value]) => [key, textOf(value)]));
  return { ...object, metadata: { ...object.metadata, annotations } };
}
