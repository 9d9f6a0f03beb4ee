/** A Deployment controller in little: some time after a change of the spec, the status says that it is rolled out, or why not. */
import { at, listAt, numberAt, textAt } from '../kinds/access.ts';
import type { Json, Mutable } from '../schema/types.ts';
import { type Cluster, deploymentKind, draftOf, generationOf } from './cluster.ts';
import type { StoreEvent } from './store.ts';
import { timeText, updateObject } from './writes.ts';

export interface ControllerOptions {
  /** From a change of the spec to ready, in milliseconds. */
  readonly readyAfterMs: number;
  /** From a change of the spec that can't become ready to ProgressDeadlineExceeded, in milliseconds. */
  readonly deadlineMs: number;
}

const WRITE = { manager: 'kube-controller-manager', subresource: 'status', dryRun: false } as const;

/** An image that no node could pull: its tag says so. */
function isBroken(deployment: Mutable): boolean {
  return listAt(deployment, 'spec', 'template', 'spec', 'containers').some((one) =>
    textAt(one, 'image').endsWith(':broken'),
  );
}

/** Watches the cluster's deployments. The result ends it. */
export function startDeploymentController(cluster: Cluster, options: ControllerOptions): () => void {
  const waiting = new Map<string, () => void>();
  const later = (key: string, delayMs: number, step: (key: string) => void) => {
    waiting.get(key)?.();
    const cancel = cluster.clock.after(delayMs, () => {
      waiting.delete(key);
      step(key);
    });
    waiting.set(key, cancel);
  };
  const finish = (key: string) => {
    const live = cluster.store.get('apps/deployments', key);
    if (!live) return;
    if (!isBroken(live)) writeStatus(cluster, live, rolledOut(cluster, live));
    else {
      writeStatus(cluster, live, stuck(cluster, live, false));
      later(key, options.deadlineMs, expire);
    }
  };
  const expire = (key: string) => {
    const live = cluster.store.get('apps/deployments', key);
    if (live && isBroken(live)) writeStatus(cluster, live, stuck(cluster, live, true));
  };
  const observe = (event: StoreEvent) => {
    if (event.type === 'DELETED') {
      waiting.get(event.key)?.();
      waiting.delete(event.key);
      return;
    }
    const seen = numberAt(event.object, 'status', 'observedGeneration') ?? 0;
    if (
      seen < generationOf(event.object) &&
      generationOf(event.object) !== generationOf(event.previous ?? {})
    )
      later(event.key, options.readyAfterMs, finish);
  };
  const unsubscribe = cluster.store.subscribe('apps/deployments', observe);
  return () => {
    unsubscribe();
    for (const cancel of waiting.values()) cancel();
    waiting.clear();
  };
}

function writeStatus(cluster: Cluster, live: Mutable, status: Mutable): void {
  const object = draftOf(live);
  object['status'] = status;
  updateObject(cluster, deploymentKind, live, { object, tracked: false }, WRITE);
}

function condition(
  cluster: Cluster,
  live: Mutable,
  type: string,
  status: string,
  reason: string,
  message: string,
): Json {
  const now = timeText(cluster.clock);
  const before = listAt(live, 'status', 'conditions').find((one) => textAt(one, 'type') === type);
  const lastTransitionTime =
    before && textAt(before, 'status') === status ? textAt(before, 'lastTransitionTime') : now;
  return { type, status, lastUpdateTime: now, lastTransitionTime, reason, message };
}

function rolledOut(cluster: Cluster, live: Mutable): Mutable {
  const replicas = numberAt(live, 'spec', 'replicas') ?? 1;
  const counts =
    replicas === 0
      ? {}
      : { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas };
  return {
    observedGeneration: generationOf(live),
    ...counts,
    conditions: [
      condition(
        cluster,
        live,
        'Available',
        'True',
        'MinimumReplicasAvailable',
        'Deployment has minimum availability.',
      ),
      condition(
        cluster,
        live,
        'Progressing',
        'True',
        'NewReplicaSetAvailable',
        'The new replicas are available.',
      ),
    ],
  };
}

/** The old replicas stay, one new one never gets ready. */
function stuck(cluster: Cluster, live: Mutable, overdue: boolean): Mutable {
  const before = at(live, 'status');
  const ready = Math.min(numberAt(before, 'readyReplicas') ?? 0, numberAt(live, 'spec', 'replicas') ?? 1);
  const available = ready > 0;
  const counts = available ? { readyReplicas: ready, availableReplicas: ready } : {};
  return {
    observedGeneration: generationOf(live),
    replicas: ready + 1,
    updatedReplicas: 1,
    ...counts,
    unavailableReplicas: 1,
    conditions: [
      condition(
        cluster,
        live,
        'Available',
        available ? 'True' : 'False',
        available ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
        available ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
      ),
      overdue
        ? condition(
            cluster,
            live,
            'Progressing',
            'False',
            'ProgressDeadlineExceeded',
            'The new replica set has timed out progressing.',
          )
        : condition(
            cluster,
            live,
            'Progressing',
            'True',
            'ReplicaSetUpdated',
            'The new replica set is progressing.',
          ),
    ],
  };
}
