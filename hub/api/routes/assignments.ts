import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import { maskSecret } from '../../../shared/manifest/masking.ts';
import { type KubeObject, keyText } from '../../../shared/manifest/object.ts';
import type { ManifestEntry } from '../../../shared/manifest/target.ts';
import { jsonEndpoint } from '../endpoint.ts';
import { planOrderedPage, planPage } from '../paging.ts';
import { assignmentPageSchema, manifestsSchema, toAssignment } from '../schemas/assignment.ts';
import { applicationNameSchema, nameSchema, pageQuery } from '../schemas/common.ts';
import { previewTimeoutMs, revisionSchema } from './diff.ts';

export const assignmentEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/assignments',
    operationId: 'listAssignments',
    summary: 'Lists what each cluster was told to run, and how far its agent has come',
    tag: 'assignments',
    query: z.object({
      cluster: nameSchema.optional(),
      application: applicationNameSchema.optional(),
      ...pageQuery,
    }),
    reply: assignmentPageSchema,
    async handle({ query }, { store }) {
      const { cluster, application } = query;
      const all = await store.releases.assignments({ cluster, application });
      return planPage(all, query, (one) => `${one.cluster}/${one.application}`, toAssignment);
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/assignments/{cluster}/{application}/manifests',
    operationId: 'getDesiredManifests',
    summary: 'Shows the objects that a cluster shall have of an application',
    description:
      'As assigned, or with `revision` as that revision of the root repository would have them: it is rendered for that and changes nothing.',
    tag: 'assignments',
    params: z.object({ cluster: nameSchema, application: applicationNameSchema }),
    query: z.object({ ...pageQuery, revision: revisionSchema.optional() }),
    reply: manifestsSchema,
    errors: ['not_found', 'invalid_manifest', 'resource_exhausted', 'unavailable', 'deadline_exceeded'],
    timeoutMs: previewTimeoutMs,
    async handle({ params, query, signal }, { store, preview }) {
      const { revision } = query;
      if (revision !== undefined) {
        const { commit, set, contents } = await preview.manifests({ ...params, revision }, signal);
        const page = planOrderedPage(set.entries, query, ({ key }) => keyText(key));
        return {
          ...params,
          revisionId: commit,
          targetDigest: '',
          items: page.items.map((entry) => toManifest(entry, contents.get(entry.objectDigest))),
          next: page.next,
        };
      }
      const [assignment] = await store.releases.assignments(params);
      if (assignment === undefined)
        throw new FairwayError(
          'not_found',
          `Application "${params.application}" is not assigned to cluster "${params.cluster}".`,
        );
      const target = await store.content.target(assignment.targetDigest);
      if (target === undefined) throw new FairwayError('internal', 'an assigned target is missing');
      const page = planOrderedPage(target.set.entries, query, ({ key }) => keyText(key));
      const objects = await store.content.objects(page.items.map(({ objectDigest }) => objectDigest));
      return {
        ...params,
        revisionId: assignment.revisionId,
        targetDigest: assignment.targetDigest,
        items: page.items.map((entry) => toManifest(entry, objects.get(entry.objectDigest)?.content)),
        next: page.next,
      };
    },
  }),
];

function toManifest(entry: ManifestEntry, content: string | undefined) {
  if (content === undefined) throw new FairwayError('internal', 'an assigned object is missing');
  const manifest = maskSecret(JSON.parse(content) as KubeObject);
  return {
    key: entry.key,
    digest: entry.objectDigest,
    wave: entry.wave,
    hook: entry.hook ?? null,
    manifest: manifest as Record<string, unknown>,
  };
}
