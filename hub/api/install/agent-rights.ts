/** RBAC of an agent, from the rights that an operator chose. Each manifest says in a comment what it allows and why, honestly. */
import { FairwayError } from '../../../shared/error/error.ts';
import type { JsonObject } from '../../../shared/manifest/object.ts';
import type { AgentRights } from './install-options.ts';

/** A manifest with what people should know of it. */
export interface CommentedManifest {
  readonly comment: string;
  readonly manifest: JsonObject;
}

/** Resources of the usual applications, `group/resource`, or `resource` of the core group. */
const defaultKinds: readonly string[] = [
  'namespaces',
  'configmaps',
  'secrets',
  'services',
  'serviceaccounts',
  'persistentvolumeclaims',
  'resourcequotas',
  'limitranges',
  'apps/deployments',
  'apps/statefulsets',
  'apps/daemonsets',
  'batch/jobs',
  'batch/cronjobs',
  'autoscaling/horizontalpodautoscalers',
  'policy/poddisruptionbudgets',
  'networking.k8s.io/ingresses',
  'networking.k8s.io/networkpolicies',
  'rbac.authorization.k8s.io/roles',
  'rbac.authorization.k8s.io/rolebindings',
];

const rbacGroup = 'rbac.authorization.k8s.io';
const manageVerbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
const clusterScoped = new Set(['namespaces']);

interface Subject {
  readonly namespace: string;
  readonly name: string;
}

/**
 * Roles and bindings. @param impersonate it may write in the name of service accounts. @throws invalid_argument for a kind that is written in another way.
 */
export function planAgentRights(
  rights: AgentRights,
  subject: Subject,
  impersonate = false,
): readonly CommentedManifest[] {
  const own = planOwnRights(subject);
  if (rights.mode === 'cluster-admin') return [...own, planClusterAdmin(subject)];
  const tenants = impersonate ? planImpersonation(rights, subject) : [];
  if (rights.mode === 'kinds')
    return [...own, ...planKinds(rights.kinds ?? defaultKinds, subject), ...planLook(subject), ...tenants];
  return [...own, ...planNamespaces(rights.namespaces, subject), ...tenants];
}

/** One role a namespace, or one for all: the service accounts of a namespace are as strong as the strongest of them. */
function planImpersonation(rights: AgentRights, subject: Subject): readonly CommentedManifest[] {
  const name = `${subject.name}-impersonate`;
  const namespaces = rights.mode === 'namespaces' ? rights.namespaces : [undefined];
  return namespaces.flatMap((namespace) => [
    {
      comment:
        `Applications with sync.serviceAccount are written in that account's name${namespace === undefined ? '' : `, in namespace ${namespace}`}. With this the agent can do what any of them may\n` +
        `${namespace === undefined ? 'in the whole cluster, those of kube-system too' : 'there'}: name single ones with resourceNames to narrow it.`,
      manifest: role(name, namespace, [rule('', ['serviceaccounts'], ['impersonate'])]),
    },
    { comment: '', manifest: binding(name, namespace, subject) },
  ]);
}

function rule(apiGroup: string, resources: readonly string[], verbs: readonly string[]): JsonObject {
  return { apiGroups: [apiGroup], resources: [...resources], verbs: [...verbs] };
}

function role(name: string, namespace: string | undefined, rules: readonly JsonObject[]): JsonObject {
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  const metadata = namespace === undefined ? { name } : { name, namespace };
  return { apiVersion: `${rbacGroup}/v1`, kind, metadata, rules };
}

function binding(name: string, namespace: string | undefined, subject: Subject, roleName = name): JsonObject {
  const scope = namespace === undefined ? 'ClusterRole' : 'Role';
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind: `${scope}Binding`,
    metadata: namespace === undefined ? { name } : { name, namespace },
    roleRef: { apiGroup: rbacGroup, kind: scope, name: roleName },
    subjects: [{ kind: 'ServiceAccount', name: subject.name, namespace: subject.namespace }],
  };
}

function planOwnRights(subject: Subject): readonly CommentedManifest[] {
  const { name, namespace } = subject;
  const verbs = manageVerbs;
  return [
    {
      comment:
        'In its own namespace: its key, certificate and cached state (Secrets), the inventory of each application (ConfigMaps), and Leases.\n' +
        'What the API server serves (discovery) every service account may ask already.',
      manifest: role(name, namespace, [
        rule('', ['secrets', 'configmaps'], verbs),
        rule('coordination.k8s.io', ['leases'], ['get', 'create', 'update', 'patch']),
      ]),
    },
    { comment: '', manifest: binding(name, namespace, subject) },
  ];
}

function planClusterAdmin(subject: Subject): CommentedManifest {
  return {
    comment:
      'Everything. Whoever can run a pod with this service account, or change the fleet repository, rules the cluster.',
    manifest: binding(`${subject.name}-admin`, undefined, subject, 'cluster-admin'),
  };
}

const escalationNote =
  'Creating Roles and RoleBindings takes "escalate" and "bind", since they may grant what the agent itself does not have:\n' +
  'through them it could give itself any right within the namespaces concerned. Leave these kinds out to avoid that.';

function rulesOf(kinds: readonly string[]): readonly JsonObject[] {
  const byGroup = new Map<string, string[]>();
  for (const kind of kinds) {
    const match = /^(?:([a-z0-9.-]+)\/)?([a-z]+|\*)$/.exec(kind);
    if (!match)
      throw new FairwayError(
        'invalid_argument',
        `"${kind}" is no kind: expected RESOURCE or GROUP/RESOURCE, such as configmaps or apps/deployments.`,
      );
    const [, group = '', resource = ''] = match;
    byGroup.set(group, [...(byGroup.get(group) ?? []), resource]);
  }
  return [...byGroup].map(([group, resources]) =>
    rule(group, resources, group === rbacGroup ? [...manageVerbs, 'escalate', 'bind'] : manageVerbs),
  );
}

/** To say why a workload does not get ready: its pods, what they wait for and what they were warned of. */
const podRules = [
  rule('', ['pods'], ['get', 'list', 'watch']),
  rule('', ['pods/log'], ['get']),
  rule('', ['events'], ['get', 'list']),
];

function planKinds(kinds: readonly string[], subject: Subject): readonly CommentedManifest[] {
  const name = `${subject.name}-manage`;
  const notes = [
    'What it manages, in every namespace; pods, their logs and their events, to say why something does not get ready.',
  ];
  if (kinds.includes('secrets'))
    notes.push(
      'It watches the metadata of Secrets only, but RBAC cannot grant metadata alone: with this it could read every Secret of the cluster.',
    );
  if (kinds.some((kind) => kind.startsWith(`${rbacGroup}/`))) notes.push(escalationNote);
  return [
    { comment: notes.join('\n'), manifest: role(name, undefined, [...rulesOf(kinds), ...podRules]) },
    { comment: '', manifest: binding(name, undefined, subject) },
  ];
}

/** What parity groups compare of clusters, besides what is managed (agent/observe/fact-shapes.ts). */
const lookRules = [
  rule('', ['nodes', 'resourcequotas', 'limitranges', 'namespaces'], ['list', 'watch']),
  rule('storage.k8s.io', ['storageclasses'], ['list', 'watch']),
  rule('networking.k8s.io', ['ingressclasses'], ['list', 'watch']),
  rule('scheduling.k8s.io', ['priorityclasses'], ['list', 'watch']),
  rule('node.k8s.io', ['runtimeclasses'], ['list', 'watch']),
  rule('apiextensions.k8s.io', ['customresourcedefinitions'], ['list', 'watch']),
  rule('gateway.networking.k8s.io', ['httproutes'], ['list']),
  rule('cert-manager.io', ['certificates'], ['list', 'watch']),
  rule('velero.io', ['backups', 'schedules'], ['list', 'watch']),
  rule('snapshot.storage.k8s.io', ['volumesnapshots'], ['list', 'watch']),
  rule('volsync.backube', ['replicationsources'], ['list', 'watch']),
];

function planLook(subject: Subject): readonly CommentedManifest[] {
  const name = `${subject.name}-look`;
  return [
    {
      comment:
        'What a cluster is, for parity groups: nodes, classes, definitions, quotas, when certificates end and backups were made. It looks only, and only where the cluster is in a\n' +
        'ParityGroup: leave it out elsewhere, and what cannot be compared is told as such.',
      manifest: role(name, undefined, lookRules),
    },
    { comment: '', manifest: binding(name, undefined, subject) },
  ];
}

function planNamespaces(namespaces: readonly string[], subject: Subject): readonly CommentedManifest[] {
  const name = `${subject.name}-manage`;
  const kinds = defaultKinds.filter((kind) => !clusterScoped.has(kind));
  return namespaces.flatMap((namespace) => [
    {
      comment:
        `What it manages and watches in namespace ${namespace}, which must be there already; it has no rights outside of it.\n` +
        escalationNote,
      manifest: role(name, namespace, [...rulesOf(kinds), ...podRules]),
    },
    { comment: '', manifest: binding(name, namespace, subject) },
  ]);
}
