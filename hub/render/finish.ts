import { type Digest, digestText, keyedDigest } from '../../shared/manifest/canonical.ts';
import { describeKey, type KubeObject, keyOf, keyText } from '../../shared/manifest/object.ts';
import { createManifestSet, type HookPhase, type ManifestEntry } from '../../shared/manifest/target.ts';
import type { Problem } from '../model/problem.ts';
import type { RenderedObject, RenderedSet } from '../model/rendered.ts';
import { canonicalText } from './canonical-text.ts';
import { problemError, problemOf } from './render-error.ts';
import type { Resource } from './resource.ts';
import { isSecretObject } from './resource.ts';

interface Finished {
  readonly rendered: RenderedObject;
  readonly entry: Omit<ManifestEntry, 'originId'>;
  readonly keyText: string;
}

const hookPhases: Readonly<Record<string, HookPhase>> = {
  'pre-sync': 'pre-sync',
  'post-sync': 'post-sync',
  'sync-fail': 'sync-fail',
  PreSync: 'pre-sync',
  PostSync: 'post-sync',
  SyncFail: 'sync-fail',
};

/** Turns resources into the set that is handed on. Objects that were finished before, in any set, are not worked on again. */
export function createFinisher(digestKey: Uint8Array): {
  finish(
    resources: readonly Resource[],
    builtFrom: string,
  ): { rendered: RenderedSet } | { problems: readonly Problem[] };
} {
  const known = new WeakMap<KubeObject, Finished>();
  const finishOne = (resource: Resource): Finished => {
    const found = known.get(resource.object);
    if (found !== undefined) return found;
    const finished = finishObject(resource, digestKey);
    known.set(resource.object, finished);
    return finished;
  };
  return {
    finish: (resources, builtFrom) => {
      const problems: Problem[] = [];
      const entries: ManifestEntry[] = [];
      const objects = new Map<Digest, RenderedObject>();
      const seen = new Map<string, Resource>();
      for (const resource of resources) {
        try {
          const finished = finishOne(resource);
          const earlier = seen.get(finished.keyText);
          if (earlier !== undefined) throw duplicate(resource, earlier);
          seen.set(finished.keyText, resource);
          entries.push({ ...finished.entry, originId: resource.originId });
          objects.set(finished.rendered.digest, finished.rendered);
        } catch (caught) {
          const problem = problemOf(caught);
          if (problem === undefined) throw caught;
          problems.push(problem);
        }
      }
      if (problems.length > 0) return { problems };
      return { rendered: { set: createManifestSet(entries), objects, builtFrom } };
    },
  };
}

function duplicate(resource: Resource, earlier: Resource): Error {
  const { file, line } = earlier.place;
  return problemError(
    'conflict',
    resource.place,
    `${describeKey(keyOf(resource.object))} is there twice: also in ${file}:${line}`,
  );
}

function finishObject(resource: Resource, digestKey: Uint8Array): Finished {
  const { object } = resource;
  const content = canonicalText(object);
  const secret = isSecretObject(object);
  const digest = secret ? keyedDigest(content, digestKey) : digestText(content);
  const key = keyOf(object);
  const hook = hookOf(resource);
  return {
    rendered: { digest, content, secret },
    entry: {
      objectDigest: digest,
      key,
      apiVersion: object.apiVersion,
      wave: waveOf(resource),
      ...(hook === undefined ? {} : { hook }),
    },
    keyText: keyText(key),
  };
}

function annotationOf(resource: Resource, names: readonly string[]): [string, unknown] | undefined {
  const annotations: Readonly<Record<string, unknown>> = resource.object.metadata.annotations ?? {};
  for (const name of names)
    if (annotations[name] !== undefined && annotations[name] !== null) return [name, annotations[name]];
  return undefined;
}

function waveOf(resource: Resource): number {
  const found = annotationOf(resource, ['fairway.dev/wave', 'argocd.argoproj.io/sync-wave']);
  if (found === undefined) return 0;
  const [name, value] = found;
  const wave = /^[+-]?\d{1,9}$/.test(String(value)) ? Number(value) : undefined;
  if (wave !== undefined) return wave === 0 ? 0 : wave;
  throw problemError(
    'invalid_manifest',
    { ...resource.place, field: `metadata.annotations[${name}]` },
    `expected a whole number, found ${JSON.stringify(value)}`,
  );
}

function hookOf(resource: Resource): HookPhase | undefined {
  const found = annotationOf(resource, ['fairway.dev/hook', 'argocd.argoproj.io/hook']);
  if (found === undefined) return undefined;
  const [name, value] = found;
  const text = String(value);
  const phase = Object.hasOwn(hookPhases, text) ? hookPhases[text] : undefined;
  if (phase !== undefined) return phase;
  const code = name === 'fairway.dev/hook' ? 'invalid_manifest' : 'unsupported';
  throw problemError(
    code,
    { ...resource.place, field: `metadata.annotations[${name}]` },
    `expected pre-sync, post-sync or sync-fail (PreSync, PostSync, SyncFail), found ${JSON.stringify(value)}`,
  );
}
