/** `fairway validate`: everything that the hub would say of a fleet repository, and more, before it is merged. Needs no hub and no cluster. */
import { stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { FairwayError } from '../../../shared/error/error.ts';
import { fieldText } from '../../fleet/yaml-document.ts';
import { type PreviewSide, renderSide } from '../../loops/preview/preview-side.ts';
import { type Application, emptyFleet } from '../../model/fleet.ts';
import { minorOf } from '../../model/kubernetes-version.ts';
import type { Problem } from '../../model/problem.ts';
import { projectOf } from '../../model/project.ts';
import type { RemoteTrees } from '../../model/tree.ts';
import { checkAnalyses } from '../../policy/check-project.ts';
import {
  type CheckedPlacement,
  checkObjects,
  type ObjectFinding,
  originName,
} from '../../preview/check-objects.ts';
import { newestMinor } from '../../preview/checks/check-lifecycle.ts';
import type { Severity } from '../../preview/checks/complaint.ts';
import { createReport, type Finding, type ValidationReport } from '../../preview/findings.ts';
import { isMounted } from '../../render/remote/mount.ts';
import type { Renderer } from '../../render/renderer.ts';
import { createDirectoryTree } from '../directory-tree.ts';
import { findRepositoryTop, openOther } from './diff-on-disk.ts';
import { indexSources, type SourceIndex } from './locate-object.ts';
import { openOwnRepository } from './own-repository.ts';

export interface ValidateRequest {
  readonly folder: string;
  readonly fleetFolder: string;
  readonly plainSecrets: Severity | 'off';
  /** Of clusters that state none; undefined: the newest known. */
  readonly kubernetes: string | undefined;
  readonly renderer: Renderer;
  /** Other repositories. */
  readonly remotes: RemoteTrees;
  readonly signal: AbortSignal;
}

/** @throws not_found for what is no folder, invalid_argument for a version that is none. */
export async function validateOnDisk(request: ValidateRequest): Promise<ValidationReport> {
  const { signal } = request;
  const top = await findTop(request);
  const tree = { ...createDirectoryTree(top), name: 'the work tree' };
  const repository = await findRepositoryTop(top).catch(() => top);
  const own = await openOwnRepository(repository);
  const side = await renderSide({
    name: { name: 'worktree', commit: null },
    tree,
    rootUrl: own.url,
    folder: request.fleetFolder,
    previous: undefined,
    emptyFleet,
    renderer: request.renderer,
    treeOf: async (key, { repositories }) => openOther(own, key, repositories, request),
    cluster: undefined,
    signal,
  });
  const sources = await indexSources(top, signal);
  const placements = [...side.side.placements].flatMap(([application, clusters]) =>
    [...clusters.keys()].map((cluster) => ({ application, cluster })),
  );
  const findings = [
    ...problemFindings(side, sources),
    ...checkAll(side, sources, request).map((finding) => placeFinding(finding, side, sources)),
  ];
  // As pull requests name files: from the top of the repository, also where the fleet lies in a folder of another.
  const prefix = relative(repository, top).split(sep).join('/');
  const placed = findings.map((finding) =>
    prefix === '' || finding.file === '' || isMounted(finding.file)
      ? finding
      : { ...finding, file: `${prefix}/${finding.file}` },
  );
  return createReport(placements, [...side.fleet.applications.keys()], placed);
}

/** The folder itself where it holds the fleet folder, else the top of its repository. */
async function findTop({ folder, fleetFolder }: ValidateRequest): Promise<string> {
  const isFolder = async (path: string) => (await stat(path).catch(() => undefined))?.isDirectory() === true;
  if (!(await isFolder(folder))) throw new FairwayError('not_found', `${folder} is no folder.`);
  if (await isFolder(join(folder, fleetFolder))) return folder;
  return findRepositoryTop(folder).catch(() => folder);
}

function checkAll(
  { rendered, fleet, sets }: PreviewSide,
  sources: SourceIndex,
  { plainSecrets, kubernetes }: ValidateRequest,
): readonly ObjectFinding[] {
  const fallback = kubernetes === undefined ? newestMinor : minorOf(kubernetes);
  if (fallback === undefined)
    throw new FairwayError('invalid_argument', `"${kubernetes}" is no version of Kubernetes, such as 1.34.`);
  // What two applications claim is checked as well: one mistake does not hide the others.
  const placements = [...rendered].flatMap(([application, clusters]) =>
    [...clusters].flatMap(([cluster, state]): CheckedPlacement[] => {
      const defaultNamespace = fleet.applications.get(application)?.sync.namespace ?? 'default';
      return 'set' in state ? [{ application, cluster, set: state.set, defaultNamespace }] : [];
    }),
  );
  return checkObjects({
    placements,
    contentOf: (set, object) => sets.get(set)?.objects.get(object)?.content,
    minorOf: (cluster) => minorOf(fleet.clusters.get(cluster)?.kubernetesVersion ?? '') ?? fallback,
    plainSecrets,
    definitions: sources.definitions,
  });
}

/** What kept the fleet from being read or rendered; the same problem of many clusters once. */
function problemFindings({ side, fleet }: PreviewSide, sources: SourceIndex): readonly Finding[] {
  const findings = new Map<string, Finding & { readonly clusters: string[] }>();
  const add = (
    application: string,
    cluster: string,
    problem: Problem,
    kind: Pick<Finding, 'rule' | 'severity'>,
  ) => {
    const { field, message, object = null } = problem;
    const { file, line } = placeProblem(problem, fleet.applications.get(application), sources);
    // Messages may name the cluster; the same mistake is told once all the same.
    const same = cluster === '' ? message : message.replaceAll(cluster, '*');
    const id = JSON.stringify([application, file, line, field, same]);
    const known = findings.get(id);
    const clusters = cluster === '' ? [] : [cluster];
    if (known) known.clusters.push(...clusters);
    else
      findings.set(id, {
        ...kind,
        ...{ file, line, field: object ? fieldText(object.path) : field },
        ...{ message, application, clusters, object: object?.key ?? null },
      });
  };
  for (const { application, cluster, problem } of side.problems)
    add(
      application,
      // The cluster that is not there is no cluster.
      application === '' ? cluster : '',
      problem,
      application === ''
        ? { rule: 'fleet-file', severity: 'error' }
        : { rule: 'missing-cluster', severity: 'warning' },
    );
  for (const [application, clusters] of side.placements)
    for (const [cluster, state] of clusters)
      if ('problems' in state)
        for (const problem of state.problems)
          add(application, cluster, problem, ruleOf(problem, fleet.applications.get(application)));
  for (const application of fleet.applications.values()) {
    const project = projectOf(application, fleet.projects);
    const forbidden = project ? checkAnalyses(application, project, fleet.strategies) : [];
    for (const problem of forbidden) add(application.name, '', problem, ruleOf(problem, application));
  }
  return [...findings.values()];
}

function ruleOf(
  { code, field }: Pick<Problem, 'code' | 'field'>,
  application: Application | undefined,
): Pick<Finding, 'rule' | 'severity'> {
  if (code === 'conflict') return { rule: 'claim', severity: 'error' };
  if (code === 'permission_denied') return { rule: 'project', severity: 'error' };
  // Nobody's mistake: what lies in another repository cannot be checked from here.
  const { repository = '', ref = '' } = application?.source ?? {};
  const elsewhere = code === 'unavailable' || (field === 'spec.source' && (repository !== '' || ref !== ''));
  return { rule: 'render', severity: elsewhere ? 'warning' : 'error' };
}

/** Where the object that it is about is written, if that can be found. */
function placeProblem(
  problem: Problem,
  owner: Application | undefined,
  sources: SourceIndex,
): Pick<Problem, 'file' | 'line'> {
  const { object } = problem;
  if (!object) return problem;
  const { key, originId, path } = object;
  return sources.locate(key, originName(originId) ?? key.name, path, owner?.source.path ?? '') ?? problem;
}

/** At the line of the field where it is written; what a generator made, at its Application. */
function placeFinding(finding: ObjectFinding, { fleet }: PreviewSide, sources: SourceIndex): Finding {
  const { rule, severity, message, application, key, originId, clusters, path } = finding;
  const owner = fleet.applications.get(application);
  const folder = owner?.source.path ?? '';
  const place = sources.locate(key, originName(originId) ?? key.name, path, folder) ?? owner?.origin;
  return {
    rule,
    severity,
    file: place?.file ?? '',
    line: place?.line ?? 0,
    field: fieldText(path),
    message,
    application,
    clusters: [...clusters].sort(),
    object: key,
  };
}
