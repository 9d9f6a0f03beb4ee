/** The kinds of the fleet repository as they are written, joined from a schema a kind, and published as JSON Schemas. */
import { z } from 'zod';
import { applicationSpec } from './application-schema.ts';
import { clusterSpec } from './cluster-schema.ts';
import { dnsLabel, labels } from './common-schemas.ts';
import type { JsonSchema } from './explain-issues.ts';
import { paritySpec } from './parity-schema.ts';
import { projectSpec } from './project-schema.ts';
import { ref, repositoryUrl } from './source-schemas.ts';
import { strategySpec } from './strategy-schema.ts';

/** Of all kinds. */
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

const apiVersion = z.literal(fleetApiVersion);

const cluster = z.strictObject({ apiVersion, kind: z.literal('Cluster'), metadata, spec: clusterSpec });

const application = z.strictObject({
  apiVersion,
  kind: z.literal('Application'),
  metadata,
  spec: applicationSpec,
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

const project = z.strictObject({
  apiVersion,
  kind: z.literal('Project'),
  metadata,
  spec: projectSpec,
});

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
