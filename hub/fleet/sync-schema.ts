import { z } from 'zod';
import { parseJqPath } from '../../shared/manifest/jq-path.ts';
import { defaultSyncOptions } from '../../shared/manifest/target.ts';
import { dnsLabel, serviceAccountName } from './common-schemas.ts';

const pointer = z
  .string()
  .max(1_024)
  .regex(/^(?:\/(?:[^~/]|~[01])*)+$/)
  .meta({ description: 'a JSON pointer such as /spec/replicas' });

const jqPath = z
  .string()
  .max(1_024)
  .superRefine((text, context) => {
    const path = parseJqPath(text);
    if (!path.ok) context.addIssue({ code: 'custom', message: path.message });
  })
  .meta({ description: 'a path in the way of jq such as .spec.containers[] | select(.name == "x").image' });

const ignoreRule = z.strictObject({
  group: z.string().max(253).default(''),
  kind: z.string().max(63).default(''),
  paths: z.array(pointer).max(100).default([]),
  managers: z.array(z.string().min(1).max(128)).max(100).default([]),
  jqPaths: z.array(jqPath).max(100).optional(),
});

/** `spec.sync` of an Application: how it is kept in a cluster. */
export const sync = z.strictObject({
  selfHeal: z.enum(['enforce', 'report', 'off']).default(defaultSyncOptions.selfHeal),
  prune: z.boolean().default(defaultSyncOptions.prune),
  adoption: z.enum(['always', 'ifNoDiff', 'never']).default(defaultSyncOptions.adoption),
  conflicts: z.enum(['take', 'report']).default(defaultSyncOptions.conflicts),
  foreignFields: z.enum(['auto', 'undo', 'report', 'leave']).default(defaultSyncOptions.foreignFields),
  ignore: z.array(ignoreRule).max(100).default([]),
  namespace: dnsLabel.default(defaultSyncOptions.namespace),
  serviceAccount: serviceAccountName
    .meta({ description: 'a ServiceAccount of spec.sync.namespace whose rights the writes have' })
    .optional(),
  recreate: z
    .boolean()
    .meta({ description: 'delete and make anew what cannot be changed in place' })
    .optional(),
  waveTimeoutSeconds: z
    .number()
    .int()
    .min(1)
    .max(86_400)
    .meta({ description: 'how long a wave may take to become healthy; default 600' })
    .optional(),
  pruneLimit: z
    .number()
    .int()
    .min(1)
    .max(100)
    .meta({ description: 'percent of its objects that one sync may delete unasked; default 50' })
    .optional(),
  healthTimeoutSeconds: z
    .number()
    .int()
    .min(1)
    .max(86_400)
    .meta({ description: 'how long an object may be on its way before it counts as failed; default 600' })
    .optional(),
});
