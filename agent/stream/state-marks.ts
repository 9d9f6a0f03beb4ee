import type { KubeClient } from '../kube/kube-client.ts';
import { markAnnotation } from '../model/inventory.ts';
import { type Marks, parseMarks } from '../model/marks.ts';
import { readAnnotations } from './secrets-port.ts';
import { stateName } from './state-storage.ts';

/** Marks on the Secret of the cached state. An agent that keeps its state in a folder, which no other agent sees, reads them too but writes none (`settle`). */
export function createStateMarks(
  kube: Pick<KubeClient, 'get'>,
  namespace: string,
  settle: Marks['settle'],
): Marks {
  return {
    async read(signal) {
      const annotations = await readAnnotations(kube, namespace, stateName, signal);
      return parseMarks(annotations[markAnnotation]);
    },
    settle,
  };
}
