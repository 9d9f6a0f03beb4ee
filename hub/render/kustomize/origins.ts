/** `buildMetadata`: where each object came from and what changed it, as annotations (kustomize api/resource/origin.go). */
import { posix } from 'node:path';
import { dump } from 'js-yaml';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import { remoteOf, splitMount } from '../remote/mount.ts';
import type { Resource } from '../resource.ts';
import { withObject } from './ids.ts';
import type { Kustomization } from './kustomization.ts';
import { setEntries } from './shared-entries.ts';

export interface Origin {
  readonly path?: string;
  /** Of what was fetched: the repository and ref. */
  readonly repo?: string;
  readonly ref?: string;
  readonly configuredIn?: string;
  readonly configuredBy?: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name?: string;
    readonly namespace?: string;
  };
}

export const originKey = 'config.kubernetes.io/origin';
export const transformationsKey = 'alpha.config.kubernetes.io/transformations';

/** Whether a build must remember origins. */
export function needsTrace(buildMetadata: readonly string[]): boolean {
  return buildMetadata.includes('originAnnotations') || buildMetadata.includes('transformerAnnotations');
}

/** `top`: the folder that is built, from which paths are told. */
export function originOfFile(top: string, file: string): Origin {
  const { path, ...remote } = seenFrom(top, file);
  return { path, ...remote };
}

/** What a field of a kustomization, or an object of its own, made or changed. */
export function originOfPlugin(top: string, file: string, kind: string, object?: KubeObject): Origin {
  const { name, namespace } = object?.metadata ?? {};
  const { path, ...remote } = seenFrom(top, file);
  return {
    ...remote,
    configuredIn: path,
    configuredBy: { apiVersion: 'builtin', kind, ...(name && { name }), ...(namespace && { namespace }) },
  };
}

/** A path from the folder that is built; of what was fetched, from the top of its repository. */
function seenFrom(
  top: string,
  file: string,
): { readonly path: string; readonly repo?: string; readonly ref?: string } {
  const [mount, inner] = splitMount(file);
  if (mount === '') return { path: posix.relative(top, file) };
  const { url, ref } = remoteOf(mount);
  return { path: inner, repo: url, ...(ref && { ref }) };
}

/** The kinds of the transformers that a kustomization's fields stand for, one each time it runs. */
export function transformersOf(k: Kustomization): readonly string[] {
  const labels = k.labels?.length ?? 0;
  const common = Object.keys(k.commonLabels ?? {}).length;
  const steps: readonly (readonly [string, number])[] = [
    ['PatchStrategicMergeTransformer', k.patchesStrategicMerge?.length ? 1 : 0],
    ['PatchTransformer', k.patches?.length ?? 0],
    ['NamespaceTransformer', k.namespace ? 1 : 0],
    ['PrefixTransformer', k.namePrefix ? 1 : 0],
    ['SuffixTransformer', k.nameSuffix ? 1 : 0],
    ['LabelTransformer', labels + common > 0 ? labels + 1 : 0],
    ['AnnotationsTransformer', Object.keys(k.commonAnnotations ?? {}).length > 0 ? 1 : 0],
    ['PatchJson6902Transformer', k.patchesJson6902?.length ?? 0],
    ['ReplicaCountTransformer', k.replicas?.length ?? 0],
    ['ImageTagTransformer', (k.images?.length ?? 0) + (k.imageTags?.length ?? 0)],
    ['ReplacementTransformer', k.replacements?.length ? 1 : 0],
  ];
  return steps.flatMap(([kind, times]) => Array.from({ length: times }, () => kind));
}

/** Where the object comes from; what has changed it since stays told. */
export function withOrigin(resource: Resource, origin: Origin): Resource {
  return { ...resource, trace: { origin, transformations: resource.trace?.transformations ?? [] } };
}

/** Adds what has changed them; objects whose origin nobody tells are left alone. */
export function withTransformations(
  resources: readonly Resource[],
  added: readonly Origin[],
): readonly Resource[] {
  if (added.length === 0) return resources;
  return resources.map((resource) =>
    resource.trace === undefined
      ? resource
      : {
          ...resource,
          trace: { ...resource.trace, transformations: [...resource.trace.transformations, ...added] },
        },
  );
}

/** Version that kustomize's label names: the one whose behaviour is followed. */
const managedBy = 'kustomize-v5.8.2';

/** The annotations and the label that the topmost kustomization asks for. */
export function addMetadata(
  resources: readonly Resource[],
  buildMetadata: readonly string[],
): readonly Resource[] {
  if (buildMetadata.length === 0) return resources;
  const labelled = buildMetadata.includes('managedByLabel')
    ? setEntries(resources, { 'app.kubernetes.io/managed-by': managedBy }, [
        { path: 'metadata/labels', create: true },
      ])
    : resources;
  if (!needsTrace(buildMetadata)) return labelled;
  return labelled.map((resource) => {
    const { metadata } = resource.object;
    const { origin, transformations = [] } = resource.trace ?? {};
    const annotations: Record<string, string> = { ...metadata.annotations };
    if (origin !== undefined && buildMetadata.includes('originAnnotations'))
      annotations[originKey] = yamlOf(origin);
    if (transformations.length > 0 && buildMetadata.includes('transformerAnnotations'))
      annotations[transformationsKey] = yamlOf(transformations);
    if (Object.keys(annotations).length === 0) return resource;
    const object = { ...resource.object, metadata: { ...metadata, annotations } };
    return withObject(resource, object as KubeObject);
  });
}

function yamlOf(value: Origin | readonly Origin[]): string {
  return dump(value, { lineWidth: -1, seqNoIndent: true, quoteStyle: 'double' });
}
