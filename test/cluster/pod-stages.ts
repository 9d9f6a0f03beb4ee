/**
 * What kwok plays instead of its own stages where images tagged `broken` cannot be pulled, as a kubelet would report it (kubelet's `ErrImagePull` and
 * `ImagePullBackOff`: the pod stays Pending, its container waits). Any other pod of a Deployment runs and is ready at once.
 */

/** kwok evaluates keys with gojq; a value that is a boolean is compared by its text. */
const cannotBePulled = 'any(.spec.containers[]; .image | endswith(":broken"))';

const stage = (name: string, matchExpressions: readonly object[], next: object) => ({
  apiVersion: 'kwok.x-k8s.io/v1alpha1',
  kind: 'Stage',
  metadata: { name },
  spec: { resourceRef: { apiGroup: 'v1', kind: 'Pod' }, selector: { matchExpressions }, next },
});

const isNew = [
  { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' },
  { key: '.status.containerStatuses', operator: 'DoesNotExist' },
];

const conditions = (ready: string) =>
  [
    ['Initialized', 'True'],
    ['ContainersReady', ready],
    ['Ready', ready],
  ]
    .map(
      ([type, status]) => `- { type: ${type}, status: "${status}", lastTransitionTime: {{ Now | Quote }} }`,
    )
    .join('\n');

const containers = (ready: boolean, state: string) =>
  `{{ range .spec.containers }}\n- { name: {{ .name | Quote }}, image: {{ .image | Quote }}, ready: ${ready}, started: ${ready}, restartCount: 0, state: ${state} }\n{{ end }}`;

const waits =
  '{ waiting: { reason: ImagePullBackOff, message: {{ printf "Back-off pulling image %q" .image | Quote }} } }';
const runs = '{ running: { startedAt: {{ Now | Quote }} } }';

const status = (phase: string, ready: boolean, state: string, more = '') =>
  `conditions:\n${conditions(ready ? 'True' : 'False')}\ncontainerStatuses:\n${containers(ready, state)}\nhostIP: {{ NodeIPWith .spec.nodeName | Quote }}\nphase: ${phase}\nstartTime: {{ Now | Quote }}\n${more}`;

const podIp =
  'podIP: {{ PodIPWith .spec.nodeName false ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}\n';

/** A configuration file of kwok. */
export const brokenImageStages: string = [
  stage('pod-runs', [...isNew, { key: cannotBePulled, operator: 'NotIn', values: ['true'] }], {
    statusTemplate: status('Running', true, runs, podIp),
  }),
  stage('pod-cannot-pull', [...isNew, { key: cannotBePulled, operator: 'In', values: ['true'] }], {
    statusTemplate: status('Pending', false, waits),
  }),
  stage('pod-goes', [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }], {
    finalizers: { empty: true },
    delete: true,
  }),
]
  .map((one) => JSON.stringify(one))
  .join('\n---\n');
