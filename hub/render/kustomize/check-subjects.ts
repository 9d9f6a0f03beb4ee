import type { Json } from '../../../shared/manifest/object.ts';
import { problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';

/**
 * kustomize looks into the namespaces of a RoleBinding's service accounts to follow names, and refuses one that is there and is no text, also where no name has changed (api
 * resmap/reswrangler.go getNamespacesForRoleBinding). @throws a Problem.
 */
export function checkSubjects(resources: readonly Resource[]): void {
  for (const { object, place } of resources) {
    if (object.kind !== 'RoleBinding' || !Array.isArray(object['subjects'])) continue;
    for (const [index, subject] of (object['subjects'] as readonly Json[]).entries()) {
      if (subject === null || typeof subject !== 'object' || !Object.hasOwn(subject, 'namespace')) continue;
      // Undefined is null that is written as nothing.
      const { kind, namespace = null } = subject as { readonly kind?: Json; readonly namespace?: Json };
      if (kind !== 'ServiceAccount' || typeof namespace === 'string') continue;
      throw problemError(
        'invalid_manifest',
        { ...place, field: `subjects[${index}].namespace` },
        `expected a text, found ${JSON.stringify(namespace)}: state the service account's namespace, or leave the field out`,
      );
    }
  }
}
