import { createEvent } from '../model/event.ts';
import type { Fleet } from '../model/fleet.ts';
import type { Store } from '../store/store.ts';

/**
 * `Cluster.spec.paused` in Git is a pause without an end. One made by hand for the whole cluster is left as it is until it ends; what Git paused, Git resumes.
 */
export async function followPausesInGit(store: Store, fleet: Fleet, nowMs: number): Promise<void> {
  const whole = new Map(
    (await store.releases.pauses())
      .filter(({ application }) => application === '')
      .map((pause) => [pause.cluster, pause]),
  );
  const event = (type: 'audit.pause' | 'audit.resume', cluster: string, message: string) =>
    createEvent({ type, actor: 'git', timeMs: nowMs, cluster, message });
  for (const { name, paused, origin } of fleet.clusters.values()) {
    if (!paused || whole.has(name)) continue;
    const reason = `paused in ${origin.file}`;
    await store.releases.savePause(
      { cluster: name, application: '', reason, actor: 'git', createdAtMs: nowMs, untilMs: undefined },
      event('audit.pause', name, `${name} is ${reason}`),
    );
  }
  for (const { cluster, untilMs } of whole.values())
    if (untilMs === undefined && !fleet.clusters.get(cluster)?.paused)
      await store.releases.removePause(
        cluster,
        '',
        event('audit.resume', cluster, `${cluster} is no longer paused in Git`),
      );
}
