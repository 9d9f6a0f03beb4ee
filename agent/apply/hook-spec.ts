/**
 * What a hook's manifest says of its running: pure. Annotations of this project, of Argo CD
 * (https://argo-cd.readthedocs.io/en/stable/user-guide/resource_hooks/) and of Helm (https://helm.sh/docs/topics/charts_hooks/) are read alike.
 */
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { KubeObject, ObjectKey } from '../../shared/manifest/object.ts';
import { type DeletePolicy, deletePolicies, hookRunId } from '../model/hook-memory.ts';

export interface HookSpec {
  readonly policies: readonly DeletePolicy[];
  readonly limitMs: number;
  /** Whether the last lines of what a failed one said are told to the hub. */
  readonly tellsLog: boolean;
}

const policyAnnotations = [
  'fairway.dev/hook-delete-policy',
  'argocd.argoproj.io/hook-delete-policy',
  'helm.sh/hook-delete-policy',
];
const argoPolicies: Readonly<Record<string, DeletePolicy>> = {
  BeforeHookCreation: 'before-hook-creation',
  HookSucceeded: 'hook-succeeded',
  HookFailed: 'hook-failed',
};
const timeoutAnnotation = 'fairway.dev/hook-timeout';
const logAnnotation = 'fairway.dev/hook-logs';
const defaultLimitMs = 600_000;
const limitMsMax = 86_400_000;
/** A Job that ends itself at its deadline is given the time to say so. */
const deadlineGraceMs = 30_000;
const unitMs: Readonly<Record<string, number>> = { '': 1_000, s: 1_000, m: 60_000, h: 3_600_000 };

/** `90`, `90s`, `10m`, `2h`; undefined for anything else. */
function parseLimit(text: string | undefined): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,6})(s|m|h)?$/.exec(text ?? '') ?? [];
  if (digits === undefined) return undefined;
  return Math.min(limitMsMax, Math.max(1_000, Number(digits) * (unitMs[unit] ?? 1_000)));
}

/** As the manifest says, else Argo CD's and Helm's default: gone before the next run. Unknown words are refused when it is rendered, and mean nothing here. */
export function readHookSpec(manifest: KubeObject): HookSpec {
  const annotations = manifest.metadata.annotations ?? {};
  const written = policyAnnotations.map((name) => annotations[name]).find((text) => text !== undefined);
  const words = (written ?? '').split(',').map((word) => word.trim());
  const policies = words
    .map((word) => argoPolicies[word] ?? word)
    .filter((word): word is DeletePolicy => (deletePolicies as readonly string[]).includes(word));
  const spec = manifest['spec'] as { activeDeadlineSeconds?: unknown } | undefined;
  const deadline = manifest.kind === 'Job' ? spec?.activeDeadlineSeconds : undefined;
  const own = typeof deadline === 'number' ? deadline * 1_000 + deadlineGraceMs : undefined;
  return {
    policies: policies.length === 0 ? ['before-hook-creation'] : policies,
    limitMs: parseLimit(annotations[timeoutAnnotation]) ?? own ?? defaultLimitMs,
    tellsLog: annotations[logAnnotation] !== 'false',
  };
}

/** Kinds that are made to run once: each run gets an object and a name of its own. */
const runKinds: ReadonlySet<string> = new Set([
  '/Pod',
  'batch/Job',
  'argoproj.io/Workflow',
  'tekton.dev/TaskRun',
  'tekton.dev/PipelineRun',
]);

/**
 * `run`: each run is an object of its own. `anew`: others name it, or its controller may, so it keeps its name and is deleted and made anew for each run.
 * `apply`: what others need (a ConfigMap, a ServiceAccount), applied like any object.
 */
export function hookManner({ group, kind }: Pick<ObjectKey, 'group' | 'kind'>): 'run' | 'anew' | 'apply' {
  if (runKinds.has(`${group}/${kind}`)) return 'run';
  const builtIn = group === '' || !group.includes('.') || group.endsWith('.k8s.io');
  return builtIn ? 'apply' : 'anew';
}

/** A Job's name becomes a label of its pods: 63 characters at most. */
const baseLengthMax = 63 - 11;

/** The object of a run. */
export function hookRunKey(key: ObjectKey, release: string, digest: Digest, attempt: number): ObjectKey {
  if (hookManner(key) !== 'run') return key;
  const base = key.name.slice(0, baseLengthMax).replace(/[-.]+$/, '');
  return { ...key, name: `${base}-${hookRunId(release, digest, attempt)}` };
}
