/** Generated sequences of operations on one object of a kind by several managers. */
import fc from 'fast-check';
import { isObject, type Json, type Mutable } from '../schema/types.ts';
import { SUBJECTS, type SubjectKind } from './bodies.ts';
import type { Operation } from './side.ts';

const MANAGERS = ['alpha', 'beta', 'gamma'] as const;
const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const PARTIAL_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

export interface Sequence {
  readonly subject: SubjectKind;
  readonly steps: readonly ((namespace: string) => Operation)[];
}

const collection = (subject: SubjectKind, namespace: string) =>
  `${subject.base}/namespaces/${namespace}/${subject.resource}`;
const path = (subject: SubjectKind, namespace: string) => `${collection(subject, namespace)}/web`;

function named(subject: SubjectKind, body: Mutable, extra: Mutable = {}): Json {
  const metadata = isObject(body['metadata']) ? body['metadata'] : {};
  return {
    apiVersion: subject.apiVersion,
    kind: subject.kind,
    ...body,
    metadata: { ...metadata, name: 'web', ...extra },
  };
}

type Step = (namespace: string) => Operation;

function step(
  subject: SubjectKind,
  method: Operation['method'],
  tail: string,
  body?: Json,
  contentType?: string,
): Step {
  return (namespace) => ({
    method,
    path: `${method === 'POST' ? collection(subject, namespace) : path(subject, namespace)}${tail}`,
    about: path(subject, namespace),
    ...(body === undefined ? {} : { body }),
    ...(contentType ? { contentType } : {}),
  });
}

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const APPLY = 'application/apply-patch+yaml';

const manager = fc.constantFrom(...MANAGERS);
const version = fc.constantFrom<Mutable[]>(
  {},
  {},
  { resourceVersion: '$RV' },
  { resourceVersion: '$OLD_RV' },
  { uid: '$UID' },
);

/** Takes some keys of the patch away from the live object instead of setting them. */
function withNulls(body: Mutable, depth: number): fc.Arbitrary<Mutable> {
  const keys = Object.keys(body);
  if (keys.length === 0) return fc.constant(body);
  return fc.tuple(fc.constantFrom(...keys), fc.integer({ min: 0, max: 3 })).chain(([key, choice]) => {
    const inner = body[key];
    if (choice > 0 && isObject(inner) && depth > 0)
      return withNulls(inner as Mutable, depth - 1).map((changed) => ({ ...body, [key]: changed }));
    return fc.constant(choice === 0 ? { ...body, [key]: null } : body);
  });
}

function applies(subject: SubjectKind): fc.Arbitrary<Step> {
  return fc
    .tuple(subject.body, manager, fc.boolean())
    .map(([body, who, force]) =>
      step(
        subject,
        'PATCH',
        `?fieldManager=${who}${force ? '&force=true' : ''}`,
        named(subject, body),
        APPLY,
      ),
    );
}

function patches(subject: SubjectKind): fc.Arbitrary<Step> {
  const types = subject.custom ? [MERGE] : [MERGE, STRATEGIC];
  const merge = fc
    .tuple(
      subject.body.chain((body) => withNulls(body, 3)),
      manager,
      fc.constantFrom(...types),
    )
    .map(([body, who, type]) => step(subject, 'PATCH', `?fieldManager=${who}`, body, type));
  const json = fc
    .tuple(fc.constantFrom(...subject.jsonPatches), manager)
    .map(([body, who]) => step(subject, 'PATCH', `?fieldManager=${who}`, body as Json, JSON_PATCH));
  return fc.oneof({ weight: 3, arbitrary: merge }, { weight: 1, arbitrary: json });
}

function statusWrites(subject: SubjectKind): fc.Arbitrary<Step> {
  const status = subject.statusBody ?? fc.constant(null);
  return fc
    .tuple(status, manager, fc.constantFrom(MERGE, APPLY), fc.constantFrom(false, true))
    .map(([value, who, type, withSpec]) => {
      const extra: Mutable = withSpec ? { metadata: { name: 'web', labels: { via: 'status' } } } : {};
      const body = type === APPLY ? named(subject, { status: value, ...extra }) : { status: value, ...extra };
      return step(
        subject,
        'PATCH',
        `/status?fieldManager=${who}&force=${type === APPLY}`.replace('&force=false', ''),
        body,
        type,
      );
    });
}

function scales(subject: SubjectKind): fc.Arbitrary<Step> {
  return fc
    .tuple(manager, fc.constantFrom(0, 1, 2, 5), fc.constantFrom(MERGE, APPLY, 'PUT', 'GET'))
    .map(([who, replicas, form]) => {
      if (form === 'GET') return step(subject, 'GET', '/scale');
      const scale = {
        apiVersion: 'autoscaling/v1',
        kind: 'Scale',
        metadata: { name: 'web' },
        spec: { replicas },
      };
      if (form === 'PUT') return step(subject, 'PUT', `/scale?fieldManager=${who}`, scale);
      return step(
        subject,
        'PATCH',
        `/scale?fieldManager=${who}${form === APPLY ? '&force=true' : ''}`,
        form === APPLY ? scale : { spec: { replicas } },
        form,
      );
    });
}

const partial =
  (subject: SubjectKind): Step =>
  (namespace) => ({
    method: 'GET',
    path: path(subject, namespace),
    accept: PARTIAL,
    about: path(subject, namespace),
  });
const list =
  (subject: SubjectKind, accept: string | undefined, query: string): Step =>
  (namespace) => ({
    method: 'GET',
    path: `${collection(subject, namespace)}${query}`,
    ...(accept ? { accept } : {}),
  });

function stepsOf(subject: SubjectKind): fc.Arbitrary<Step> {
  const create = fc
    .tuple(subject.body, manager, fc.constantFrom('', '', '&dryRun=All', '&fieldValidation=Strict'))
    .map(([body, who, more]) => step(subject, 'POST', `?fieldManager=${who}${more}`, named(subject, body)));
  const update = fc
    .tuple(subject.body, manager, version)
    .map(([body, who, extra]) => step(subject, 'PUT', `?fieldManager=${who}`, named(subject, body, extra)));
  const remove = fc
    .constantFrom<Mutable[]>(
      {},
      { preconditions: { uid: '$UID' } },
      { preconditions: { uid: 'other' } },
      { preconditions: { resourceVersion: '$OLD_RV' } },
    )
    .map((body) => step(subject, 'DELETE', '', { kind: 'DeleteOptions', apiVersion: 'v1', ...body }));
  const reset = manager.map((who) =>
    step(subject, 'PATCH', `?fieldManager=${who}`, { metadata: { managedFields: [{}] } }, MERGE),
  );
  const unfinalise = manager.map((who) =>
    step(subject, 'PATCH', `?fieldManager=${who}`, { metadata: { finalizers: null } }, MERGE),
  );
  const reads = fc.constantFrom(
    partial(subject),
    list(subject, undefined, '?labelSelector=app%3Da'),
    list(subject, PARTIAL_LIST, '?limit=5'),
    list(subject, undefined, '?fieldSelector=metadata.name%3Dweb'),
  );
  return fc.oneof(
    { weight: 6, arbitrary: applies(subject) },
    { weight: 4, arbitrary: patches(subject) },
    { weight: 2, arbitrary: create },
    { weight: 2, arbitrary: update },
    { weight: 1, arbitrary: remove },
    { weight: 1, arbitrary: reads },
    { weight: 1, arbitrary: unfinalise },
    { weight: 1, arbitrary: reset },
    ...(subject.status ? [{ weight: 2, arbitrary: statusWrites(subject) }] : []),
    ...(subject.kind === 'Deployment' ? [{ weight: 2, arbitrary: scales(subject) }] : []),
  );
}

/** A sequence on one kind; it begins with a create or an apply. */
export const sequences: fc.Arbitrary<Sequence> = fc
  .constantFrom(...SUBJECTS)
  .chain((subject) => sequencesOf(subject, 14));

export function sequencesOf(subject: SubjectKind, lengthMax: number): fc.Arbitrary<Sequence> {
  return fc
    .array(stepsOf(subject), { minLength: 2, maxLength: lengthMax, size: 'max' })
    .map((steps) => ({ subject, steps }));
}

/** The definition of the custom kind that sequences use. */
export const WIDGETS: Json = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.dev' },
  spec: {
    group: 'example.dev',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
