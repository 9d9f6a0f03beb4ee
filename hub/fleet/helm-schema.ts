import { z } from 'zod';
import { dnsLabel, path } from './common-schemas.ts';
import { overlay, urlWithoutSecrets } from './source-schemas.ts';

const chartRepository = urlWithoutSecrets(['https', 'http', 'oci']);

/** `spec.source.helm` of an Application: a chart of the repository, or one from elsewhere that is pinned. */
export const helm = z
  .strictObject({
    chart: path,
    repository: chartRepository.optional(),
    version: z
      .string()
      .regex(/^v?\d+\.\d+\.\d+(?:[-+][\w.+-]{1,128})?$/)
      .meta({ description: 'one version such as 1.2.3, no range' })
      .optional(),
    digest: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/)
      .meta({ description: 'sha256: and 64 hexadecimal digits' })
      .optional(),
    releaseName: z
      .string()
      .regex(/^[a-z0-9](?:[-a-z0-9]{0,51}[a-z0-9])?$/)
      .meta({ description: 'a name of at most 53 lower-case letters, digits and dashes' })
      .optional(),
    namespace: dnsLabel.optional(),
    valueFiles: z.array(overlay).max(50).default([]),
    values: z.record(z.string().max(1_024), z.unknown()).default({}),
    includeCrds: z.boolean().default(true),
  })
  .superRefine(({ repository, version, digest }, context) => {
    const add = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message });
    if (repository !== undefined && version === undefined) add('repository', 'needs a version beside it');
    if (repository !== undefined && digest === undefined)
      add('repository', 'needs a digest beside it: a chart from elsewhere is pinned by its content');
    if (repository === undefined && version !== undefined)
      add('version', 'counts for charts of a repository only: remove it, or name the repository');
    if (repository === undefined && digest !== undefined)
      add('digest', 'counts for charts of a repository only: remove it, or name the repository');
  });
