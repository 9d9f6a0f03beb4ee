import { z } from '@hono/zod-openapi';
import type { IssuedCertificate } from '../../model/registry.ts';
import type { ClusterView } from '../../model/view.ts';
import { conditionSchema, pageOf, timeSchema, toCondition, toTime } from './common.ts';

const roleSchema = z.enum(['primary', 'standby', 'none']);

export const clusterSchema = z
  .object({
    name: z.string(),
    region: z.string(),
    role: roleSchema,
    roleOverride: z
      .object({ failover: z.string(), roleInGit: roleSchema, until: timeSchema })
      .nullable()
      .openapi({ description: "The role is the hub's own word, by a failover; null: it is Git's" }),
    labels: z.record(z.string(), z.string()),
    declared: z.boolean().openapi({ description: 'Has a Cluster in the fleet repository' }),
    enrolled: z.boolean(),
    connected: z.boolean(),
    lastSeenAt: timeSchema.nullable(),
    agentVersion: z.string(),
    kubernetesVersion: z.string(),
    warnings: z
      .array(z.string())
      .openapi({ description: 'Not wrong, but worth knowing: sentences for people' }),
    paused: z.boolean(),
    pauseReason: z.string(),
    pausedUntil: timeSchema.nullable(),
    applications: z.int(),
    applicationsHealthy: z.int(),
    applicationsDrifted: z.int(),
    conditions: z.array(conditionSchema),
  })
  .openapi('Cluster');
export type ApiCluster = z.infer<typeof clusterSchema>;
export const clusterPageSchema = pageOf('ClusterPage', clusterSchema);

export function toCluster(view: ClusterView): ApiCluster {
  const { lastSeenAtMs, pausedUntilMs, conditions, labels, warnings, roleOverride, ...rest } = view;
  return {
    ...rest,
    labels: { ...labels },
    roleOverride: roleOverride
      ? {
          ...{ failover: roleOverride.failover, roleInGit: roleOverride.roleInGit },
          until: toTime(roleOverride.untilMs),
        }
      : null,
    warnings: [...warnings],
    lastSeenAt: toTime(lastSeenAtMs),
    pausedUntil: toTime(pausedUntilMs),
    conditions: conditions.map(toCondition),
  };
}

const certificateSchema = z
  .object({
    serial: z.string(),
    fingerprint: z.string().openapi({ description: 'SHA-256 of the DER, lower-case hex' }),
    notBefore: timeSchema,
    notAfter: timeSchema,
    revokedAt: timeSchema.nullable(),
    revokedReason: z.string().nullable(),
  })
  .openapi('Certificate');
export const certificateListSchema = z
  .object({ items: z.array(certificateSchema) })
  .openapi('CertificateList');

export function toCertificate(certificate: IssuedCertificate): z.infer<typeof certificateSchema> {
  return {
    serial: certificate.serial,
    fingerprint: certificate.fingerprint,
    notBefore: toTime(certificate.notBeforeMs),
    notAfter: toTime(certificate.notAfterMs),
    revokedAt: toTime(certificate.revokedAtMs),
    revokedReason: certificate.revokedReason ?? null,
  };
}
