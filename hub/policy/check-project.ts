/**
 * What a Project says of one of its applications: where it takes from, where it goes, whose rights it has, and what it brings. Pure. Each violation names
 * the rule and where it is written, and what to do; the application stays at what it has.
 */

import { allowsClusterObject, matchesPattern } from '../../shared/manifest/cluster-objects.ts';
import { describeKey, type ObjectKey } from '../../shared/manifest/object.ts';
import type { ManifestEntry, ManifestSet } from '../../shared/manifest/target.ts';
import { listNames } from '../../shared/text/list-names.ts';
import { matchesUrlPrefix } from '../config/url-prefix.ts';
import type { Application, Fleet, Repository } from '../model/fleet.ts';
import type { Problem } from '../model/problem.ts';
import { type KindRule, type Project, type ProjectSource, serviceAccountText } from '../model/project.ts';
import { strategyOf } from '../model/strategy.ts';
import { isBuiltIn, isClusterScoped } from './claim-key.ts';

type Repositories = ReadonlyMap<string, Pick<Repository, 'url'>>;

/** Problems told of one application; the rest is counted. */
const problemsMax = 20;
const namedMax = 10;

/** `a, b, c`, at most ten, or `none`. */
function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : listNames(names, namedMax);
}

function ruleText({ name, origin }: Project, rule: string, names: readonly string[]): string {
  return `spec.${rule} (${listed(names)}) of Project ${name} at ${origin.file}:${origin.line}`;
}

function refuse({ origin }: Application, field: string, message: string): Problem {
  return { code: 'permission_denied', file: origin.file, line: origin.line, field, message };
}

function isBelow(folder: string, path: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

function coversRepository(rule: ProjectSource, name: string, url: string | undefined): boolean {
  if (rule.url === '*') return true;
  if (rule.url !== '') return url !== undefined && coversUrl(rule.url, url);
  return rule.repository === name;
}

/** OCI addresses have paths like others, which the URL standard does not know of their scheme. */
function coversUrl(prefix: string, url: string): boolean {
  if (prefix.startsWith('oci:') !== url.startsWith('oci:')) return false;
  const plain = (text: string) => text.replace(/^oci:/, 'https:');
  return matchesUrlPrefix(plain(prefix), plain(url));
}

function sourceText({ url, repository, path }: ProjectSource): string {
  const where = url || (repository === '' ? '' : `Repository ${repository}`);
  const folder = path === '' ? 'any folder' : `folder ${path}`;
  if (where === '') return `${folder} of the fleet repository`;
  return path === '' ? where : `${where} ${folder}`;
}

/** Whether a Project lets its applications build on this repository, whatever the folder. @param name empty: the fleet repository. */
export function allowsRepository(
  { sources }: Pick<Project, 'sources'>,
  name: string,
  url: string | undefined,
): boolean {
  return sources.some((rule) => coversRepository(rule, name, url));
}

function checkSource(
  application: Application,
  project: Project,
  repositories: Repositories,
): readonly Problem[] {
  const { repository, path, helm } = application.source;
  const rule = ruleText(project, 'sources', project.sources.map(sourceText));
  const advice = 'take it from there, or have it added';
  const fitting = project.sources.filter((one) =>
    coversRepository(one, repository, repositories.get(repository)?.url),
  );
  const problems: Problem[] = [];
  if (fitting.length === 0) {
    const what = repository === '' ? 'the fleet repository' : `Repository ${repository}`;
    problems.push(refuse(application, 'spec.source.repository', `${what} is not among ${rule}: ${advice}`));
  } else if (!fitting.some((one) => isBelow(one.path, path)))
    problems.push(
      refuse(application, 'spec.source.path', `folder ${path || '.'} is not among ${rule}: ${advice}`),
    );
  const charts = helm?.pin?.repository;
  if (
    charts !== undefined &&
    !project.sources.some(({ url }) => url === '*' || (url !== '' && coversUrl(url, charts)))
  )
    problems.push(
      refuse(application, 'spec.source.helm.repository', `${charts} is not among ${rule}: ${advice}`),
    );
  return problems;
}

/** What is wrong with the application itself, wherever it goes. */
export function checkApplication(
  application: Application,
  project: Project,
  repositories: Repositories,
): readonly Problem[] {
  const problems = [...checkSource(application, project, repositories)];
  const { namespace, serviceAccount } = application.sync;
  const { serviceAccount: theirs } = project;
  if (theirs?.enforce && serviceAccount !== undefined && serviceAccount !== serviceAccountText(theirs)) {
    const rule = ruleText(project, 'serviceAccount', [serviceAccountText(theirs)]);
    problems.push(
      refuse(
        application,
        'spec.sync.serviceAccount',
        `${serviceAccount} is another than ${rule}, which counts for all of its applications: leave the field out`,
      ),
    );
  }
  // Where the account is looked for, even if no object lies there: one of the same name in a namespace of others is theirs.
  const isTheirs = theirs !== undefined && (theirs.enforce || serviceAccount === undefined);
  const isInOwn = isTheirs ? theirs.namespace === '' : serviceAccount !== undefined;
  if (isInOwn && !allowsNamespace(project, namespace))
    problems.push(refuse(application, 'spec.sync.namespace', namespaceMessage(project, namespace)));
  return problems;
}

/** That a Project does not let its applications into a cluster. */
export function clusterProblem(application: Application, project: Project, cluster: string): Problem {
  const { clusters, selector } = project.clusters;
  const rule = ruleText(project, 'clusters', [...clusters, ...(selector ? ['those of its selector'] : [])]);
  return refuse(
    application,
    'spec.placement',
    `Cluster ${cluster} is not among ${rule}: take it out of the placement, or have it added`,
  );
}

function allowsNamespace({ namespaces }: Project, namespace: string): boolean {
  return namespaces.some((pattern) => matchesPattern(pattern, namespace));
}

function namespaceMessage(project: Project, namespace: string): string {
  const rule = ruleText(project, 'namespaces', project.namespaces);
  return `namespace ${namespace} is not among ${rule}: move it to one of these, or have it added`;
}

const fits = (rules: readonly KindRule[], { group, kind }: ObjectKey) =>
  rules.some((rule) => matchesPattern(rule.group, group) && matchesPattern(rule.kind, kind));
const kindText = ({ group, kind }: KindRule) => (group === '' ? kind : `${kind}.${group}`);

interface Violation {
  readonly path: readonly string[];
  readonly message: string;
}

function checkCluster({ key }: Pick<ManifestEntry, 'key'>, project: Project): Violation | undefined {
  const { cluster } = project.kinds;
  if (!allowsClusterObject(cluster, key)) {
    const names = cluster.map((rule) =>
      [kindText(rule), ...(rule.names.length > 0 ? [`(${listed(rule.names)})`] : [])].join(' '),
    );
    const rule = ruleText(project, 'kinds.cluster', names);
    const message = `an object of the whole cluster is not among ${rule}: leave it out, or have it added`;
    return { path: ['kind'], message };
  }
  // Whoever may make namespaces may make their own.
  const isNamespace = key.group === '' && key.kind === 'Namespace';
  if (!isNamespace || allowsNamespace(project, key.name)) return undefined;
  return { path: ['metadata', 'name'], message: namespaceMessage(project, key.name) };
}

/** Of a custom kind only its cluster knows whether it has namespaces: the agent asks, and refuses by `clusterObjects` what lies in none. */
function checkEntry(
  entry: Pick<ManifestEntry, 'key'>,
  project: Project,
  namespace: string,
): Violation | undefined {
  const { key } = entry;
  const { allow, deny, cluster } = project.kinds;
  if (fits(deny, key)) {
    const rule = ruleText(project, 'kinds.deny', deny.map(kindText));
    return {
      path: ['kind'],
      message: `${kindText(key)} is among ${rule}: leave it out, or have that changed`,
    };
  }
  if (isClusterScoped(key)) return checkCluster(entry, project);
  const maybeCluster = !isBuiltIn(key) && key.namespace === '' && allowsClusterObject(cluster, key);
  // Where it has namespaces, it will lie in the application's.
  if (maybeCluster && allowsNamespace(project, namespace)) return undefined;
  if (maybeCluster)
    return {
      path: ['metadata', 'namespace'],
      message: `${namespaceMessage(project, namespace)}; whether ${kindText(key)} has namespaces only the cluster knows: set spec.sync.namespace to one of these`,
    };
  if (allow !== undefined && !fits(allow, key)) {
    const rule = ruleText(project, 'kinds.allow', allow.map(kindText));
    return {
      path: ['kind'],
      message: `${kindText(key)} is not among ${rule}: leave it out, or have it added`,
    };
  }
  const where = key.namespace || namespace;
  if (allowsNamespace(project, where)) return undefined;
  return { path: ['metadata', 'namespace'], message: namespaceMessage(project, where) };
}

/** Why an application may run no Job for the analysis of a rollout, which is made in its own namespace; undefined: it may. */
export function jobViolation(project: Project, namespace: string): string | undefined {
  const key = { group: 'batch', kind: 'Job', namespace, name: '' };
  return checkEntry({ key }, project, namespace)?.message;
}

/** The analyses of its rollout whose Jobs the Project does not allow: each of them would fail. To be told before they do. */
export function checkAnalyses(
  application: Application,
  project: Project,
  strategies: Fleet['strategies'],
): readonly Problem[] {
  const strategy = application.rollout && strategyOf(application.rollout, strategies);
  const violation = jobViolation(project, application.sync.namespace);
  if (strategy === undefined || violation === undefined) return [];
  const of = strategy.name === '' ? '' : ` of RolloutStrategy ${strategy.name}`;
  const named = strategy.waves.flatMap(({ name, analysis }) =>
    analysis
      .filter(({ provider }) => provider.type === 'job')
      .map((one) => `the Job of analysis ${one.name} in wave ${name}${of}: ${violation}`),
  );
  return [...new Set(named)].map((message) => refuse(application, 'spec.rollout', message));
}

/** What is wrong with the objects that it would bring. */
export function checkObjects(
  application: Application,
  project: Project,
  set: ManifestSet,
): readonly Problem[] {
  const problems: Problem[] = [];
  let more = 0;
  for (const entry of set.entries) {
    const found = checkEntry(entry, project, application.sync.namespace);
    if (found === undefined) continue;
    if (problems.length >= problemsMax) {
      more += 1;
      continue;
    }
    const { key, originId } = entry;
    const message = `${describeKey(key)}: ${found.path.join('.')}: ${found.message}`;
    problems.push({ ...refuse(application, '', message), object: { key, originId, path: found.path } });
  }
  if (more === 0) return problems;
  return [
    ...problems,
    refuse(application, '', `and ${more} more objects that Project ${project.name} does not allow`),
  ];
}
