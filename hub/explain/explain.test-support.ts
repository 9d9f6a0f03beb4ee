/** A trace as the renderer gives it, for the tests of this folder: a Deployment of a base, patched, prefixed and given a newer image in an overlay. */
import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import type {
  FieldChange,
  FieldPath,
  ObjectTrace,
  TracedIdentity,
  TraceStep,
  Written,
} from '../model/trace.ts';
import { applyChanges } from '../model/trace-chain.ts';
import type { ExplainedSubject, LineCommit } from './explanation.ts';
import { leafPaths } from './yaml-lines.ts';

export const subject: ExplainedSubject = {
  application: 'web',
  cluster: 'eu-1',
  revision: { name: 'main', commit: 'c0ffee0000000000000000000000000000000000', repository: '' },
};

export function at(file: string, line: number, more: Partial<Written> = {}): Written {
  return { source: 'repository', file, line, field: '', holds: 'value', ...more };
}

export interface TraceParts {
  readonly object: KubeObject;
  readonly file?: string;
  readonly steps?: readonly (Pick<TraceStep, 'kind' | 'action' | 'layer'> & {
    readonly at?: Written;
    readonly changes: readonly FieldChange[];
  })[];
  readonly mergeKeys?: ObjectTrace['mergeKeys'];
  readonly secret?: boolean;
}

/** Every scalar of the object stands on a line of its own in `file`. */
export function traceOf(parts: TraceParts): ObjectTrace {
  const { object, file = 'base/web.yaml', steps = [], mergeKeys = {}, secret = false } = parts;
  const identity = identityOf(object);
  const final = applyChanges(
    object as unknown as Json,
    steps.flatMap(({ changes }) => changes),
    mergeKeys,
  ) as unknown as KubeObject;
  return {
    identity: identityOf(final),
    originId: `${identity.group}/${identity.kind}/${identity.namespace}/${identity.name}`,
    way: ['overlays/eu', 'base'],
    start: {
      kind: 'resource',
      action: 'resources[0]',
      layer: 'base',
      configuredAt: at('base/kustomization.yaml', 2),
      object,
      at: at(file, 1),
      written: leafPaths(object as unknown as Json, [], mergeKeys).map((path, index) => ({
        path,
        at: at(file, index + 1),
      })),
    },
    steps: steps.map(({ at: configuredAt = at('overlays/eu/kustomization.yaml', 4), ...step }) => ({
      ...step,
      configuredAt,
      identityBefore: identity,
      identityAfter: identity,
    })),
    final,
    secret,
    mergeKeys,
  };
}

function identityOf({ apiVersion, kind, metadata }: KubeObject): TracedIdentity {
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  return { apiVersion, group, kind, namespace: metadata.namespace ?? '', name: metadata.name };
}

const containers: FieldPath = ['spec', 'template', 'spec', 'containers', { item: { name: 'web' } }];

export const webTrace: ObjectTrace = traceOf({
  object: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' } },
    spec: {
      paused: false,
      replicas: 2,
      template: {
        spec: { containers: [{ name: 'web', image: 'shop/web:1.4.0', args: ['--listen', ':8080'] }] },
      },
    },
  },
  mergeKeys: { 'spec.template.spec.containers': ['name'] },
  steps: [
    {
      kind: 'patch',
      action: 'patches[0]',
      layer: 'overlays/eu',
      changes: [
        { path: ['spec', 'replicas'], before: 2, after: 5, at: at('overlays/eu/replicas.yaml', 7) },
        { path: ['spec', 'paused'], before: false, at: at('overlays/eu/replicas.yaml', 8) },
        {
          path: [...containers, 'env'],
          after: [{ name: 'REGION', value: 'eu' }],
          at: at('overlays/eu/replicas.yaml', 12),
          written: [
            { path: [...containers, 'env', 0, 'name'], at: at('overlays/eu/replicas.yaml', 13) },
            { path: [...containers, 'env', 0, 'value'], at: at('overlays/eu/replicas.yaml', 14) },
          ],
        },
      ],
    },
    {
      kind: 'transformer',
      action: 'images[0]',
      layer: 'overlays/eu',
      at: at('overlays/eu/kustomization.yaml', 8),
      changes: [
        {
          path: [...containers, 'image'],
          before: 'shop/web:1.4.0',
          after: 'shop/web:1.5.2',
          at: at('overlays/eu/kustomization.yaml', 9, { holds: 'part' }),
        },
      ],
    },
    {
      kind: 'transformer',
      action: 'namePrefix',
      layer: 'overlays/eu',
      at: at('overlays/eu/kustomization.yaml', 3),
      changes: [
        {
          path: ['metadata', 'name'],
          before: 'web',
          after: 'eu-web',
          at: at('overlays/eu/kustomization.yaml', 3, { holds: 'part' }),
        },
      ],
    },
  ],
});

/** Ada wrote the base, Grace the overlay; line 14 of it is not committed, and the base's first line is older than what is known. */
export function authorOf({ file, line }: Written): LineCommit | 'uncommitted' | undefined {
  if (line === 14) return 'uncommitted';
  const common = { file, line, orBefore: file.startsWith('base/') && line === 1 };
  if (file.startsWith('base/'))
    return {
      sha: 'a1b2c3d4e5f60718293a4b5c6d7e8f9001122334',
      author: 'Ada Okafor',
      email: 'ada@example.com',
      time: '2026-01-05T09:30:00.000Z',
      subject: 'Add the web shop',
      ...common,
    };
  return {
    sha: 'b2c3d4e5f60718293a4b5c6d7e8f900112233445',
    author: 'Grace Lim',
    email: 'grace@example.com',
    time: '2026-03-14T16:00:00.000Z',
    subject: 'Be ready for the spring sale',
    ...common,
  };
}
