import { toFairwayError } from '../../shared/error/error.ts';
import type { ObjectKey } from '../../shared/manifest/object.ts';
import type { ApiResource, KubeClient, LiveObject } from '../kube/kube-client.ts';

const tailLines = 20;
const readBytesMax = 16 * 1024;
const tellCharactersMax = 1_000;
const containersMax = 3;
const podsMax = 50;

const pods: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  resource: 'pods',
  namespaced: true,
  verbs: ['get', 'list'],
};

/** By which label the pods of a run are known. */
const podLabels: Readonly<Record<string, string>> = {
  'batch/Job': 'job-name',
  'argoproj.io/Workflow': 'workflows.argoproj.io/workflow',
  'tekton.dev/TaskRun': 'tekton.dev/taskRun',
  'tekton.dev/PipelineRun': 'tekton.dev/pipelineRun',
};

interface ContainerStatus {
  readonly name?: string;
  readonly state?: { readonly terminated?: { readonly exitCode?: number; readonly reason?: string } };
}

interface FailedContainer {
  readonly pod: string;
  readonly container: string;
  readonly exitCode: number;
  readonly reason: string;
}

function failedContainers(pod: LiveObject): readonly FailedContainer[] {
  const status = pod['status'] as
    | {
        initContainerStatuses?: readonly ContainerStatus[];
        containerStatuses?: readonly ContainerStatus[];
      }
    | undefined;
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].flatMap(
    ({ name, state }) => {
      const { exitCode = 0, reason = '' } = state?.terminated ?? {};
      return name === undefined || exitCode === 0
        ? []
        : [{ pod: pod.metadata.name, container: name, exitCode, reason }];
    },
  );
}

async function findPods(
  kube: KubeClient,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<readonly LiveObject[]> {
  const { namespace, name } = key;
  if (key.group === '' && key.kind === 'Pod')
    return [await kube.get({ resource: pods, namespace, name }, signal)];
  const label = podLabels[`${key.group}/${key.kind}`];
  if (label === undefined) return [];
  const request = { resource: pods, namespace, labelSelector: `${label}=${name}`, limit: podsMax };
  const { items } = await kube.list(request, signal);
  const madeAt = (pod: LiveObject) => String(pod.metadata['creationTimestamp'] ?? '');
  return [...items].sort((a, b) => (madeAt(a) < madeAt(b) ? 1 : -1));
}

/** Printable, the last of it, lines joined by ` | `. */
function tidy(content: Uint8Array): string {
  const lines = Buffer.from(content)
    .toString('utf8')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences of terminals are what is to go
    .replace(/\u001b\[[0-9;]*[A-Za-z]/g, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: and everything else that is not text
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  const joined = lines.join(' | ');
  return joined.length > tellCharactersMax ? `...${joined.slice(-tellCharactersMax)}` : joined;
}

/**
 * What the failed containers of the newest failed pod said last: `migrate exited with 1: cannot connect | giving up`. Empty where there is none; what cannot
 * be read is said so. Never throws unless aborted.
 */
export async function readHookLogs(kube: KubeClient, key: ObjectKey, signal: AbortSignal): Promise<string> {
  try {
    const failed = (await findPods(kube, key, signal))
      .map(failedContainers)
      .find((containers) => containers.length > 0);
    const parts: string[] = [];
    for (const { pod, container, exitCode, reason } of (failed ?? []).slice(0, containersMax)) {
      const question = { namespace: key.namespace, pod, container, tailLines, previous: false };
      const { content } = await kube.logs({ ...question, maxBytes: readBytesMax }, signal);
      const said = tidy(content);
      const because = reason === '' || reason === 'Error' ? '' : ` (${reason})`;
      parts.push(`${container} exited with ${exitCode}${because}${said === '' ? '' : `: ${said}`}`);
    }
    return parts.join('; ');
  } catch (caught) {
    signal.throwIfAborted();
    return `its log cannot be read: ${toFairwayError(caught).message}`;
  }
}

/** What the containers of the newest pod said last. Empty where there is none; what cannot be read is said so. Never throws unless aborted. */
export async function readLastWords(kube: KubeClient, key: ObjectKey, signal: AbortSignal): Promise<string> {
  try {
    const [newest] = await findPods(kube, key, signal);
    const spec = newest?.['spec'] as { containers?: readonly { name?: string }[] } | undefined;
    const names = (spec?.containers ?? []).flatMap(({ name }) => (name === undefined ? [] : [name]));
    const parts: string[] = [];
    for (const container of newest ? names.slice(0, containersMax) : []) {
      const question = { namespace: key.namespace, pod: newest?.metadata.name ?? '', container, tailLines };
      const { content } = await kube.logs({ ...question, previous: false, maxBytes: readBytesMax }, signal);
      const said = tidy(content);
      if (said !== '') parts.push(names.length > 1 ? `${container}: ${said}` : said);
    }
    return parts.join('; ');
  } catch (caught) {
    signal.throwIfAborted();
    return `its log cannot be read: ${toFairwayError(caught).message}`;
  }
}
