import { z } from 'zod';
import { defaultSyncOptions } from '../../shared/manifest/target.ts';
import { dnsLabel, path, selector, variables } from './common-schemas.ts';
import { healthRule } from './health-schema.ts';
import { helm } from './helm-schema.ts';
import { overlay, ref } from './source-schemas.ts';
import { applicationAfter, strategySpec } from './strategy-schema.ts';
import { sync } from './sync-schema.ts';

/** `spec` of an Application. */
export const applicationSpec = z
  .strictObject({
    project: dnsLabel.meta({ description: 'a Project; without: default' }).optional(),
    source: z
      .strictObject({
        repository: dnsLabel.optional(),
        ref: ref.optional(),
        path,
        overlays: z.array(overlay).max(20).default([]),
        helm: helm.optional(),
      })
      .superRefine((source, context) => {
        if (source.helm === undefined || source.overlays.length === 0) return;
        const message = 'a chart has no overlays: layer its values with helm.valueFiles';
        context.addIssue({ code: 'custom', path: ['overlays'], message });
      }),
    substitute: z.strictObject({ optional: z.boolean().default(false), variables }).optional(),
    placement: z
      .strictObject({ clusters: z.array(dnsLabel).max(10_000).default([]), selector: selector.optional() })
      .prefault({}),
    sync: sync.prefault({}),
    dependsOn: z.array(dnsLabel).max(100).default([]),
    health: z.array(healthRule).max(100).default([]),
    deletionPolicy: z.enum(['prune', 'orphan']).default('prune'),
    rollout: z
      .strictObject({
        strategy: dnsLabel.optional(),
        inline: strategySpec.optional(),
        after: applicationAfter.optional(),
      })
      .refine(
        ({ strategy, inline, after }) =>
          (strategy === undefined) !== (inline === undefined) || (after && !strategy && !inline),
        'expected strategy, the name of a RolloutStrategy, or inline, a strategy of its own',
      )
      .optional(),
    component: dnsLabel.optional(),
    environment: dnsLabel.optional(),
  })
  .superRefine((spec, context) => {
    const wanted = spec.source.helm?.namespace;
    const given = spec.sync.namespace;
    if (wanted === undefined || given === wanted || given === defaultSyncOptions.namespace) return;
    const message = `differs from source.helm.namespace (${wanted}): keep one of them`;
    context.addIssue({ code: 'custom', path: ['sync', 'namespace'], message });
  });
