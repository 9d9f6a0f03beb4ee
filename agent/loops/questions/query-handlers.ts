/** Answers to what the hub asks of a cluster. Nothing secret leaves it: values of Secrets, and values that were decrypted here, are masked. */
import { FairwayError } from '../../../shared/error/error.ts';
import { maskPointers, maskSecret } from '../../../shared/manifest/masking.ts';
import { type KubeObject, keyText, type ObjectKey } from '../../../shared/manifest/object.ts';
import { effectiveKey } from '../../apply/effective-object.ts';
import { findLive } from '../../apply/find-live.ts';
import type { ApiResource, KubeClient } from '../../kube/kube-client.ts';
import type { DesiredState } from '../../model/desired.ts';
import { readSops } from '../../secrets/sops-document.ts';
import type { FactCollector, FactsQuestion } from '../facts/collect-facts.ts';
import { type AdoptionQuestion, reportAdoption } from './adopt-report.ts';
import { type RunQuestion, runJob } from './run-job.ts';

const logBytesMax = 1024 * 1024;

export interface QueryPorts {
  readonly kube: KubeClient;
  readonly desired: Pick<DesiredState, 'applications' | 'object'>;
  /** The agent's own. */
  readonly namespace: string;
  readonly reveal: (text: string) => Promise<string>;
  /** JSON of what the agent knows of itself. */
  readonly diagnostics: () => string;
  readonly facts: Pick<FactCollector, 'collect' | 'onChange'>;
}

/** Pointers of what is encrypted in the manifest of that object: somebody may have taken the note of them off the live one. */
function encryptedPointers(
  desired: QueryPorts['desired'],
  key: ObjectKey,
  resource: ApiResource,
): readonly string[] {
  const wanted = keyText(key);
  for (const { target } of desired.applications().values())
    for (const entry of target.set.entries) {
      if (keyText(effectiveKey(entry, resource, target.sync.namespace)) !== wanted) continue;
      const text = desired.object(entry.objectDigest);
      if (text === undefined) continue;
      try {
        return readSops(text)?.pointers ?? [];
      } catch {
        // It cannot be read, so it was never applied from here; to be sure nothing of it is shown.
        return ['*'];
      }
    }
  return [];
}

/** What people may see of a live object. */
function maskLive(
  live: KubeObject,
  key: ObjectKey,
  resource: ApiResource,
  desired: QueryPorts['desired'],
): KubeObject {
  const pointers = encryptedPointers(desired, key, resource);
  return maskSecret(pointers.length === 0 ? live : maskPointers(live, pointers));
}

/** What agent/stream asks when the hub does. */
export function createQueryHandlers({ kube, desired, namespace, reveal, diagnostics, facts }: QueryPorts) {
  return {
    async object(
      { key, apiVersion }: { readonly key: ObjectKey; readonly apiVersion: string },
      signal: AbortSignal,
    ): Promise<string | undefined> {
      const resources = await kube.discover({ signal });
      const resource = resources.find(
        ({ group, version: served, kind }) =>
          group === key.group && kind === key.kind && (apiVersion === '' || apiVersion.endsWith(served)),
      );
      if (!resource) throw new FairwayError('not_found', `the cluster does not serve ${key.kind}`);
      const live = await findLive(kube, { resource, namespace: key.namespace, name: key.name }, signal);
      return live && JSON.stringify(maskLive(live, key, resource, desired));
    },
    logs: (
      question: {
        readonly namespace: string;
        readonly pod: string;
        readonly container: string;
        readonly tailLines: number;
        readonly previous: boolean;
      },
      signal: AbortSignal,
    ) => kube.logs({ ...question, maxBytes: logBytesMax }, signal),
    diagnostics: () => Promise.resolve(diagnostics()),
    adoption: (question: AdoptionQuestion, signal: AbortSignal) =>
      reportAdoption(question, { kube, namespace, reveal, signal }),
    facts: (question: FactsQuestion, signal: AbortSignal) => facts.collect(question, signal),
    onFactsChanged: (listener: () => void) => facts.onChange(listener),
    run: (question: RunQuestion, signal: AbortSignal) =>
      runJob(question, { kube, desired, namespace }, signal),
  };
}
