import type { Health } from '../../shared/manifest/health.ts';
import { groupOf, type Json, type KubeObject } from '../../shared/manifest/object.ts';
import type { LiveObject } from '../kube/kube-client.ts';

export interface HookVerdict {
  readonly state: 'running' | 'succeeded' | 'failed';
  readonly reason: string;
  readonly message: string;
}

function member(value: unknown, ...path: readonly string[]): unknown {
  let at = value;
  for (const name of path) at = (at as Record<string, Json> | null | undefined)?.[name];
  return at;
}
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** https://argo-workflows.readthedocs.io/en/latest/fields/#workflowstatus; a Pod has the same words. */
function byPhase(object: KubeObject): HookVerdict {
  const phase = text(member(object, 'status', 'phase'));
  const message = text(member(object, 'status', 'message'));
  if (phase === 'Succeeded') return { state: 'succeeded', reason: phase, message };
  const failed = phase === 'Failed' || phase === 'Error';
  return { state: failed ? 'failed' : 'running', reason: phase, message };
}

/** https://tekton.dev/docs/pipelines/taskruns/#monitoring-execution-status */
function bySucceeded(object: KubeObject): HookVerdict {
  const conditions = member(object, 'status', 'conditions');
  const found = Array.isArray(conditions)
    ? conditions.find((condition) => member(condition, 'type') === 'Succeeded')
    : undefined;
  const status = member(found, 'status');
  const state = status === 'True' ? 'succeeded' : status === 'False' ? 'failed' : 'running';
  return { state, reason: text(member(found, 'reason')), message: text(member(found, 'message')) };
}

function byHealth(health: Health): HookVerdict {
  const { status, reason, message } = health;
  const state = status === 'Current' ? 'succeeded' : status === 'Failed' ? 'failed' : 'running';
  return { state, reason, message };
}

function judgeKind(object: KubeObject, healthOf: (object: KubeObject) => Health): HookVerdict {
  switch (`${groupOf(object.apiVersion)}/${object.kind}`) {
    case '/Pod':
    case 'argoproj.io/Workflow':
      return byPhase(object);
    case 'tekton.dev/TaskRun':
    case 'tekton.dev/PipelineRun':
      return bySucceeded(object);
    default:
      return byHealth(healthOf(object));
  }
}

/** How a run stands. A Pod has to end, being ready is not enough; other kinds are done when they are healthy. */
export function judgeHook(live: LiveObject, healthOf: (object: KubeObject) => Health): HookVerdict {
  // What is being deleted has no health of its own, but it may have ended before that.
  const { deletionTimestamp, ...metadata } = live.metadata;
  const verdict = judgeKind({ ...live, metadata }, healthOf);
  if (verdict.state !== 'running' || deletionTimestamp === undefined) return verdict;
  return { state: 'failed', reason: 'HookDeleted', message: 'it was deleted before it had ended' };
}
