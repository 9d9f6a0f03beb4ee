/**
 * Checks on rendered sets before they may roll out. Pure: what fails becomes a problem of that application in that cluster, which then stays at what it
 * has; the neighbours go on.
 */

import type { Digest } from '../../shared/manifest/canonical.ts';
import { describeKey, type ObjectKey } from '../../shared/manifest/object.ts';
import type { ManifestSet } from '../../shared/manifest/target.ts';
import type { Problem } from '../model/problem.ts';
import { claimKey, isClusterScoped } from './claim-key.ts';

export interface SetLimits {
  /** Objects in a set. Default 5,000. */
  readonly objectsMax: number;
  /** Bytes of one object's canonical JSON: etcd refuses requests above 1.5 MiB by default (etcd.io, "system limits"). */
  readonly objectBytesMax: number;
  /** Problems told of one set; the rest is counted. Default 20. */
  readonly problemsMax: number;
}

export const defaultSetLimits: SetLimits = {
  objectsMax: 5_000,
  objectBytesMax: 1.5 * 1024 * 1024,
  problemsMax: 20,
};

export interface CheckSetRequest {
  readonly set: ManifestSet;
  /** Canonical JSON by digest; one that is missing (stored before) was checked then. */
  readonly objects: ReadonlyMap<Digest, { readonly content: string }>;
  /** Given by the sync options to objects that name none. */
  readonly defaultNamespace: string;
  /** Where the agent itself lives. Default fairway-agent. */
  readonly agentNamespace?: string | undefined;
  readonly limits?: SetLimits | undefined;
}

const defaultAgentNamespace = 'fairway-agent';

/** Problems of one set by itself; empty: it may roll out. */
export function checkSet({
  set,
  objects,
  defaultNamespace,
  agentNamespace = defaultAgentNamespace,
  limits = defaultSetLimits,
}: CheckSetRequest): readonly Problem[] {
  const { length } = set.entries;
  if (length > limits.objectsMax)
    return [
      problem(
        'resource_exhausted',
        `renders ${length} objects, more than ${limits.objectsMax}: split the application`,
      ),
    ];
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const { key, objectDigest } of set.entries) {
    const text = claimKey(key, defaultNamespace);
    if (seen.has(text))
      problems.push(problem('conflict', `${describeKey(key)} is there twice: keep one of them`));
    seen.add(text);
    const namespace = isClusterScoped(key) ? '' : key.namespace || defaultNamespace;
    if (namespace === agentNamespace || isNamespace(key, agentNamespace))
      problems.push(
        problem(
          'conflict',
          `${describeKey(key)} belongs to the agent's own namespace, which an application may not change: use another`,
        ),
      );
    const bytes = Buffer.byteLength(objects.get(objectDigest)?.content ?? '');
    if (bytes > limits.objectBytesMax)
      problems.push(
        problem(
          'resource_exhausted',
          `${describeKey(key)} is ${bytes} bytes, more than ${limits.objectBytesMax}, which the API server would refuse: make it smaller`,
        ),
      );
  }
  if (problems.length <= limits.problemsMax) return problems;
  const more = problems.length - limits.problemsMax;
  return [
    ...problems.slice(0, limits.problemsMax),
    problem('resource_exhausted', `and ${more} more problems of this kind`),
  ];
}

function isNamespace(key: ObjectKey, name: string): boolean {
  return key.kind === 'Namespace' && key.group === '' && key.name === name;
}

/** No file: a rendered object has many. */
export function problem(code: Problem['code'], message: string): Problem {
  return { code, file: '', line: 0, field: '', message };
}
