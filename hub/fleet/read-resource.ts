import type { z } from 'zod';
import type { JsonObject } from '../../shared/manifest/object.ts';
import { nearest } from '../../shared/text/nearest.ts';
import type {
  Application,
  Cluster,
  Fleet,
  HelmSource,
  NamedStrategy,
  Origin,
  Repository,
} from '../model/fleet.ts';
import type { ParityGroup } from '../model/parity.ts';
import type { Problem } from '../model/problem.ts';
import type { Project } from '../model/project.ts';
import type { ApplicationRollout } from '../model/strategy.ts';
import { plainPath } from './common-schemas.ts';
import { explainIssues } from './explain-issues.ts';
import { toParityGroup } from './parity-schema.ts';
import { toProject } from './project-schema.ts';
import {
  type FleetKind,
  fleetApiVersion,
  fleetKinds,
  fleetSchemas,
  laterFields,
  laterKinds,
  type ResourceDocument,
  resourceSchemas,
} from './resource-schemas.ts';
import { type applicationAfter, type StrategyDocument, toPromotion, toStrategy } from './strategy-schema.ts';
import { type FieldPath, fieldText, findLine, type YamlDocument } from './yaml-document.ts';

/** A resource, or what is wrong with its text. */
export type ReadResource =
  | { readonly kind: 'Cluster'; readonly value: Cluster }
  | { readonly kind: 'Application'; readonly value: Application }
  | { readonly kind: 'Repository'; readonly value: Repository }
  | { readonly kind: 'RolloutStrategy'; readonly value: NamedStrategy }
  | { readonly kind: 'ParityGroup'; readonly value: ParityGroup }
  | { readonly kind: 'Project'; readonly value: Project };

/** Fleet members by kind. */
export const memberOf = {
  Cluster: 'clusters',
  Application: 'applications',
  Repository: 'repositories',
  RolloutStrategy: 'strategies',
  ParityGroup: 'parityGroups',
  Project: 'projects',
} as const satisfies Record<FleetKind, keyof Fleet>;

/** Reads one document of a fleet file. Pure. */
export function readResource(
  document: YamlDocument,
  file: string,
  commit: string,
): ReadResource | readonly Problem[] {
  const fail = (
    path: FieldPath,
    message: string,
    code: Problem['code'] = 'invalid_manifest',
  ): readonly Problem[] => [{ code, file, line: findLine(document, path), field: fieldText(path), message }];
  const { value } = document;
  if (document.error)
    return [
      {
        code: 'invalid_manifest',
        file,
        line: document.error.line,
        field: '',
        message: `is no valid YAML: ${document.error.message}`,
      },
    ];
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return fail([], `expected a resource with apiVersion: ${fleetApiVersion} and a kind`);
  const { apiVersion, kind } = value as Record<string, unknown>;
  if (apiVersion !== fleetApiVersion)
    return fail(
      ['apiVersion'],
      `expected ${fleetApiVersion}: only fairway.dev resources belong below the fleet folder; move anything else out of it`,
    );
  if (laterKinds.includes(String(kind)))
    return fail(
      ['kind'],
      `${String(kind)} is not supported by this version: remove the resource`,
      'unsupported',
    );
  if (!isFleetKind(kind)) {
    const near = typeof kind === 'string' ? nearest(kind, fleetKinds) : undefined;
    return fail(
      ['kind'],
      near ? `unknown kind; did you mean ${near}?` : `unknown kind; known are ${fleetKinds.join(', ')}`,
    );
  }
  const parsed = resourceSchemas[kind].safeParse(value);
  if (!parsed.success)
    return explainIssues(parsed.error.issues, value, fleetSchemas()[kind], laterFields).flatMap(
      ({ path, code, message }) => fail(path, message, code),
    );
  return toModel(parsed.data, { file, line: document.firstLine, commit });
}

function isFleetKind(kind: unknown): kind is FleetKind {
  return fleetKinds.some((known) => known === kind);
}

function toModel(document: ResourceDocument, origin: Origin): ReadResource {
  const { name } = document.metadata;
  if (document.kind === 'Repository')
    return { kind: 'Repository', value: { name, ...document.spec, origin } };
  if (document.kind === 'RolloutStrategy')
    return { kind: 'RolloutStrategy', value: { name, strategy: toStrategy(name, document.spec), origin } };
  if (document.kind === 'Project') return { kind: 'Project', value: toProject(name, document.spec, origin) };
  if (document.kind === 'ParityGroup')
    return { kind: 'ParityGroup', value: toParityGroup(name, document.spec, origin) };
  if (document.kind === 'Cluster') {
    const { kubernetes, ...spec } = document.spec;
    const kubernetesVersion = (kubernetes.version ?? '').replace(/^v/, '');
    return {
      kind: 'Cluster',
      value: {
        name,
        labels: document.metadata.labels,
        ...spec,
        kubernetesVersion,
        ...(kubernetes.apiVersions.length > 0 && { kubernetesApiVersions: kubernetes.apiVersions }),
        origin,
      },
    };
  }
  const { source, placement, substitute, rollout, project, ...spec } = document.spec;
  const helm = source.helm && helmOf(source.helm, name, spec.sync.namespace);
  const value: Application = {
    name,
    ...spec,
    // What a chart leaves without a namespace goes where Helm would put it.
    sync: helm ? { ...spec.sync, namespace: helm.namespace } : spec.sync,
    source: {
      repository: source.repository ?? '',
      ref: source.ref ?? '',
      path: plainPath(source.path),
      overlays: source.overlays.map(plainPath),
      ...(helm && { helm }),
      ...(substitute && { substitute }),
    },
    placement: { clusters: placement.clusters, selector: placement.selector },
    ...(project !== undefined && { project }),
    ...(rollout && { rollout: rolloutOf(rollout) }),
    ...(Object.keys(document.metadata.labels).length > 0 && { labels: document.metadata.labels }),
    origin,
  };
  return { kind: 'Application', value };
}

function rolloutOf(document: {
  readonly strategy?: string | undefined;
  readonly inline?: StrategyDocument | undefined;
  readonly after?: z.output<typeof applicationAfter> | undefined;
}): ApplicationRollout {
  const after = document.after && { after: toPromotion(document.after) };
  if (document.inline !== undefined) return { inline: toStrategy('', document.inline), ...after };
  return { strategy: document.strategy ?? 'careful', ...after };
}

type HelmDocument = NonNullable<Extract<ResourceDocument, { kind: 'Application' }>['spec']['source']['helm']>;

function helmOf(
  { repository, version, digest, ...helm }: HelmDocument,
  application: string,
  namespace: string,
): HelmSource {
  return {
    chart: repository === undefined ? plainPath(helm.chart) : helm.chart,
    pin: repository === undefined ? undefined : { repository, version: version ?? '', digest: digest ?? '' },
    releaseName: helm.releaseName ?? application,
    namespace: helm.namespace ?? namespace,
    valueFiles: helm.valueFiles.map(plainPath),
    values: helm.values as JsonObject,
    includeCrds: helm.includeCrds,
  };
}
