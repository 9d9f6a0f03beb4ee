import { z } from 'zod';
import { celCharactersMax } from '../../shared/cel/cel.ts';
import { checkHealthExpression } from '../../shared/health/evaluate-rules.ts';
import { parseJqPath } from '../../shared/manifest/jq-path.ts';
import { defaultSyncOptions } from '../../shared/manifest/target.ts';
import {
  dnsLabel,
  labels,
  labelValue,
  listMax,
  path,
  selector,
  serviceAccountName,
} from './common-schemas.ts';
import type { JsonSchema } from './explain-issues.ts';
import { checkOverlayTemplate } from './overlay-template.ts';
import { paritySpec } from './parity-schema.ts';
import { projectSpec } from './project-schema.ts';
import { applicationAfter, strategySpec } from './strategy-schema.ts';

export const fleetApiVersion = 'fairway.dev/v1alpha1';

/** Kinds that count in this version. */
export const fleetKinds = [
  'Cluster',
  'Application',
  'Repository',
  'RolloutStrategy',
  'Project',
  'ParityGroup',
] as const;
export type FleetKind = (typeof fleetKinds)[number];

/** Kinds of later versions, refused by name. */
export const laterKinds: readonly string[] = ['Policy', 'NotificationRoute'];

/** Fields of later versions, refused by name. */
export const laterFields: readonly string[] = [];

const annotations = z.record(z.string().max(317), z.string().max(65_536));
/** Labels count for Clusters: placement selects by them. */
const metadata = z.strictObject({
  name: dnsLabel,
  labels: labels.default({}),
  annotations: annotations.optional(),
});

const overlay = path.superRefine((template, context) => {
  const message = checkOverlayTemplate(template);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

/** A branch, tag or commit as git check-ref-format allows it, roughly: no spaces, no `..`, no leading dash. */
const ref = z
  .string()
  .regex(/^(?!-)(?!.*\.\.)[\w./@+#=-]{1,255}$/)
  .meta({ description: 'a branch, tag or commit' });

/** Hub's own names: FAIRWAY_CLUSTER_NAME and such. */
const variables = z
  .record(
    z
      .string()
      .regex(/^(?!FAIRWAY_CLUSTER_)[A-Za-z_][\w.-]{0,127}$/)
      .meta({
        description:
          'a variable name of letters, digits, _ . and - that does not begin with FAIRWAY_CLUSTER_, which the hub states itself',
      }),
    z.string().max(4_096),
  )
  .default({});

const repositoryUrl = z
  .string()
  .max(2_048)
  .superRefine((text, context) => {
    const url = URL.parse(text);
    const add = (message: string) => context.addIssue({ code: 'custom', message });
    if (!url || !['https:', 'http:'].includes(url.protocol)) add('expected an https:// or http:// URL');
    else if (url.username !== '' || url.password !== '')
      add(
        "a URL may not hold a user name or password: bind credentials to its prefix in the hub's own configuration",
      );
    else if (url.search !== '' || url.hash !== '') add('expected a URL without ? and #');
  })
  .meta({ description: 'an https:// or http:// URL without credentials' });

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

const sync = z.strictObject({
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

const expressionText = z
  .string()
  .max(celCharactersMax)
  .superRefine((text, context) => {
    const message = text === '' ? undefined : checkHealthExpression(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .meta({ description: 'a CEL expression that is true or false, such as object.status.phase == "Ready"' })
  .default('');
const healthRule = z
  .strictObject({
    apiVersion: z.string().min(1).max(317),
    kind: z.string().min(1).max(63),
    current: expressionText,
    inProgress: expressionText,
    failed: expressionText,
  })
  .refine(
    ({ current, inProgress, failed }) => current + inProgress + failed !== '',
    'expected at least one of current, inProgress, failed',
  );

const apiVersion = z.literal(fleetApiVersion);

const cluster = z.strictObject({
  apiVersion,
  kind: z.literal('Cluster'),
  metadata,
  spec: z
    .strictObject({
      region: labelValue.default(''),
      role: z.enum(['primary', 'standby', 'none']).default('none'),
      variables,
      kubernetes: z
        .strictObject({
          version: z
            .string()
            .regex(/^v?\d+\.\d+(?:\.\d+)?(?:[-+][\w.+-]*)?$/)
            .meta({ description: 'a Kubernetes version such as 1.36.3' })
            .optional(),
          apiVersions: z
            .array(
              z
                .string()
                .regex(/^(?:[a-z0-9.-]{1,253}\/)?v[a-z0-9]{1,62}(?:\/[A-Za-z0-9]{1,63})?$/)
                .meta({ description: 'an API version such as monitoring.coreos.com/v1' }),
            )
            .max(listMax)
            .default([]),
        })
        .prefault({}),
      paused: z.boolean().default(false),
    })
    .prefault({}),
});

const chartRepository = z
  .string()
  .max(2_048)
  .superRefine((text, context) => {
    const url = URL.parse(text);
    const add = (message: string) => context.addIssue({ code: 'custom', message });
    if (!url || !['https:', 'http:', 'oci:'].includes(url.protocol))
      add('expected an https://, http:// or oci:// URL');
    else if (url.username !== '' || url.password !== '')
      add(
        "a URL may not hold a user name or password: bind credentials to its prefix in the hub's own configuration",
      );
    else if (url.search !== '' || url.hash !== '') add('expected a URL without ? and #');
  })
  .meta({ description: 'an https://, http:// or oci:// URL without credentials' });

const helm = z
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

const application = z.strictObject({
  apiVersion,
  kind: z.literal('Application'),
  metadata,
  spec: z
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
    }),
});

const repository = z.strictObject({
  apiVersion,
  kind: z.literal('Repository'),
  metadata,
  spec: z.strictObject({ url: repositoryUrl, ref: ref.default('main') }),
});

const rolloutStrategy = z.strictObject({
  apiVersion,
  kind: z.literal('RolloutStrategy'),
  metadata,
  spec: strategySpec,
});

const project = z.strictObject({ apiVersion, kind: z.literal('Project'), metadata, spec: projectSpec });

const parityGroup = z.strictObject({
  apiVersion,
  kind: z.literal('ParityGroup'),
  metadata,
  spec: paritySpec,
});

/** By kind; unknown fields are errors. */
export const resourceSchemas = {
  Cluster: cluster,
  Application: application,
  Repository: repository,
  RolloutStrategy: rolloutStrategy,
  ParityGroup: parityGroup,
  Project: project,
} as const;

export type ResourceDocument = z.output<(typeof resourceSchemas)[FleetKind]>;

let published: Readonly<Record<FleetKind, JsonSchema>> | undefined;

/** JSON Schemas (draft 2020-12) by kind, of what may be written: defaults may be left out. Committed in `schemas/`. */
export function fleetSchemas(): Readonly<Record<FleetKind, JsonSchema>> {
  published ??= {
    Cluster: jsonSchemaOf('Cluster'),
    Application: jsonSchemaOf('Application'),
    Repository: jsonSchemaOf('Repository'),
    RolloutStrategy: jsonSchemaOf('RolloutStrategy'),
    ParityGroup: jsonSchemaOf('ParityGroup'),
    Project: jsonSchemaOf('Project'),
  };
  return published;
}

function jsonSchemaOf(kind: FleetKind): JsonSchema {
  const schema = z.toJSONSchema(resourceSchemas[kind], { io: 'input', target: 'draft-2020-12' });
  return {
    $id: `https://fairway.dev/schemas/v1alpha1/${kind.toLowerCase()}.json`,
    title: kind,
    ...schema,
  } as JsonSchema;
}
