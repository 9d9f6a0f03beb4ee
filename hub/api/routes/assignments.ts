import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import { maskSecret } from '../../../shared/manifest/masking.ts';
import { type KubeObject, keyText } from '../../../shared/manifest/object.ts';
import type { ManifestEntry } from '../../../shared/manifest/target.ts';
import type { RenderedObject } from '../../model/rendered.ts';
import { jsonEndpoint } from '../endpoint.ts';
import { planOrderedPage, planPage } from '../paging.ts';
import { assignmentPageSchema, manifestsSchema, toAssignment } from '../schemas/assignment.ts';
import { applicationNameSchema, nameSchema, pageQuery } from '../schemas/common.ts';

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
    tag: 'assignments',
    params: z.object({ cluster: nameSchema, application: applicationNameSchema }),
    query: z.object(pageQuery),
    reply: manifestsSchema,
    errors: ['not_found'],
    async handle({ params, query }, { store }) {
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
        items: page.items.map((entry) => toManifest(entry, objects.get(entry.objectDigest))),
        next: page.next,
      };
    },
  }),
];

function toManifest(entry: ManifestEntry, object: RenderedObject | undefined) {
  if (object === undefined) throw new FairwayError('internal', 'an assigned object is missing');
  const manifest = maskSecret(JSON.parse(object.content) as KubeObject);
  return {
    key: entry.key,
    digest: entry.objectDigest,
    wave: entry.wave,
    hook: entry.hook ?? null,
    manifest: manifest as Record<string, unknown>,
  };
}
