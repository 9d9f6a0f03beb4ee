import { type Digest, digestText, keyedDigest } from '../../shared/manifest/canonical.ts';
import { describeKey, keyOf, keyText } from '../../shared/manifest/object.ts';
import {
  createManifestSet,
  entryLine,
  type HookPhase,
  type ManifestEntry,
} from '../../shared/manifest/target.ts';
import type { Problem } from '../model/problem.ts';
import type { RenderedObject, RenderedSet } from '../model/rendered.ts';
import { canonicalText } from './canonical-text.ts';
import { checkAgentAnnotations } from './check-agent-annotations.ts';
import { ObjectsByDigest } from './objects-by-digest.ts';
import { problemError, problemOf } from './render-error.ts';
import { isSecretObject, type Resource } from './resource.ts';
import { checkSealed } from './sops.ts';
import { isStem } from './stem.ts';

interface Finished {
  readonly rendered: RenderedObject;
  readonly entry: ManifestEntry;
  /** The entry in the set's digest. */
  readonly line: string;
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

export interface Finisher {
  finish(
    resources: readonly Resource[],
    builtFrom: string,
  ): { rendered: RenderedSet } | { problems: readonly Problem[] };
}

/** Turns resources into the set that is handed on. Objects of files and bases are worked on once, however many sets they are in. @param onDigested told of each that was. */
export function createFinisher(digestKey: Uint8Array, onDigested: () => void): Finisher {
  const own = {};
  const finishOne = (resource: Resource): Finished => {
    const stem = isStem(resource) ? resource.stem : undefined;
    const known = stem?.finished?.for === own ? (stem.finished.value as Finished) : undefined;
    if (known !== undefined)
      return known.entry.originId === resource.originId ? known : withOrigin(known, resource.originId);
    const finished = finishObject(resource, digestKey);
    onDigested();
    if (stem !== undefined) stem.finished = { for: own, value: finished };
    return finished;
  };
  return {
    finish: (resources, builtFrom) => {
      const problems: Problem[] = [];
      const entries: ManifestEntry[] = [];
      const lines: string[] = [];
      const objects: RenderedObject[] = [];
      const seen = new Set<string>();
      for (const resource of resources) {
        try {
          const finished = finishOne(resource);
          seen.add(finished.keyText);
          if (seen.size === objects.length) throw duplicate(resource, resources);
          entries.push(finished.entry);
          lines.push(finished.line);
          objects.push(finished.rendered);
        } catch (caught) {
          const problem = problemOf(caught);
          if (problem === undefined) throw caught;
          problems.push(problem);
        }
      }
      if (problems.length > 0) return { problems };
      return {
        rendered: {
          set: createManifestSet(entries, lines),
          objects: new ObjectsByDigest(objects),
          builtFrom,
        },
      };
    },
  };
}

function duplicate(resource: Resource, all: readonly Resource[]): Error {
  const key = keyText(keyOf(resource.object));
  const earlier = all.find(({ object }) => keyText(keyOf(object)) === key) ?? resource;
  const { file, line } = earlier.place;
  return problemError(
    'conflict',
    resource.place,
    `${describeKey(keyOf(resource.object))} is there twice: also in ${file}:${line}`,
  );
}

function finishObject(resource: Resource, digestKey: Uint8Array): Finished {
  const { object } = resource;
  const content = canonicalText(object, resource.stem?.object);
  checkSealed(object, content, resource.place);
  const secret = isSecretObject(object);
  const digest = secret ? keyedDigest(content, digestKey) : digestText(content);
  const key = keyOf(object);
  const hook = hookOf(resource);
  checkAgentAnnotations(resource, hook !== undefined);
  const entry = {
    objectDigest: digest,
    key,
    apiVersion: object.apiVersion,
    wave: waveOf(resource),
    ...(hook === undefined ? {} : { hook }),
    originId: resource.originId,
  };
  const rendered = isStem(resource)
    ? { digest, content, secret }
    : new WrittenObject(resource, digest, secret);
  return { rendered, entry, line: entryLine(entry), keyText: keyText(key) };
}

/**
 * What one set has for itself is asked for once, to be stored: its text is written again then, and not held beside the object for as long as the set is.
 * A class, since an object with a getter of its own takes V8 a table each.
 */
class WrittenObject implements RenderedObject {
  readonly digest: Digest;
  readonly secret: boolean;
  readonly #resource: Resource;

  constructor(resource: Resource, digest: Digest, secret: boolean) {
    this.#resource = resource;
    this.digest = digest;
    this.secret = secret;
  }

  get content(): string {
    return canonicalText(this.#resource.object, this.#resource.stem?.object);
  }
}

/** The same object of another origin. */
function withOrigin(finished: Finished, originId: string): Finished {
  const entry = { ...finished.entry, originId };
  return { ...finished, entry, line: entryLine(entry) };
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
