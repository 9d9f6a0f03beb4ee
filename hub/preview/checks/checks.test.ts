import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json, KubeObject } from '../../../shared/manifest/object.ts';
import { minorOf } from '../../model/kubernetes-version.ts';
import { checkLifecycle, newestMinor } from './check-lifecycle.ts';
import { checkReferences, referenceId } from './check-references.ts';
import { checkSchema, nearest } from './check-schema.ts';
import { checkSecret } from './check-secret.ts';
import { customSchemas } from './custom-schema.ts';
import { builtInSchema, kubernetesTable, type ObjectSchema } from './object-schema.ts';

const none: ReadonlyMap<string, ObjectSchema> = new Map();
const metadata = { name: 'web', namespace: 'shop' };
const deployment = (podSpec: Json, more: Readonly<Record<string, Json>> = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata,
  spec: { selector: {}, template: { spec: podSpec }, ...more },
});
const told = (object: KubeObject, schemas = none) =>
  checkSchema(object, schemas).map(({ rule, path, message }) => `${rule} ${path.join('.')}: ${message}`);

describe('checkSchema', () => {
  it('finds nothing in an ordinary object, quantities and ports in either spelling', () => {
    const resources = { limits: { cpu: 1, memory: '64Mi' }, requests: { cpu: '500m', memory: 1e6 } };
    expect(
      told(
        deployment({
          containers: [
            {
              name: 'web',
              image: 'x',
              resources,
              livenessProbe: { httpGet: { port: 'http' } },
              securityContext: null,
            },
          ],
        }),
      ),
    ).toEqual([]);
  });

  it('names unknown fields with the field that was meant', () => {
    expect(told(deployment({ containers: [{ name: 'web', imge: 'x', zzz: 1 }] }, { Replicas: 2 }))).toEqual([
      'unknown-field spec.template.spec.containers.0.imge: is no field here: did you mean image?',
      'unknown-field spec.template.spec.containers.0.zzz: is no field here',
      'unknown-field spec.Replicas: is no field here: did you mean replicas?',
    ]);
  });

  it('tells wrong types by what YAML makes of unquoted text', () => {
    const annotated = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { port: 80 } };
    expect(told(annotated)).toEqual([
      'wrong-type data.port: expected text, found a number: put it in quotes',
    ]);
    expect(told(deployment({ containers: {} }, { replicas: '2', paused: 'true' }))).toEqual([
      'wrong-type spec.template.spec.containers: expected a list, found a map',
      'wrong-type spec.replicas: expected an integer, found text: take it out of its quotes',
      'wrong-type spec.paused: expected true or false, found text: take it out of its quotes',
    ]);
    const limits = { containers: [{ name: 'a', resources: { limits: { cpu: 'half' } } }] };
    expect(told(deployment(limits))[0]).toMatch(/limits\.cpu: expected a quantity/);
  });

  it('misses required fields', () => {
    expect(told({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { template: {} } })).toEqual([
      'missing-field spec: needs the field selector',
    ]);
  });

  it('leaves status and kinds without a schema alone', () => {
    expect(told({ ...deployment({ containers: [] }), status: { nonsense: true } })).toEqual([]);
    expect(told({ apiVersion: 'example.com/v1', kind: 'Widget', metadata, spec: 3 })).toEqual([]);
  });

  it('holds custom kinds to their definition', () => {
    const definition: KubeObject = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.example.com' },
      spec: {
        group: 'example.com',
        names: { kind: 'Widget' },
        versions: [
          {
            name: 'v1',
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: {
                    type: 'object',
                    required: ['size'],
                    properties: {
                      size: { type: 'string', enum: ['small', 'large'] },
                      port: { 'x-kubernetes-int-or-string': true },
                      free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                      tags: { type: 'object', additionalProperties: { type: 'string' } },
                    },
                  },
                },
              },
            },
          },
        ],
      },
    };
    expect(told(definition)).toContain('missing-field spec: needs the field scope');
    const schemas = customSchemas(definition);
    const widget = (spec: Json): KubeObject => ({
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata,
      spec,
    });
    expect(
      told(widget({ size: 'small', port: 'http', free: { x: { y: 1 } }, tags: { a: 'b' } }), schemas),
    ).toEqual([]);
    expect(told(widget({ size: 'huge', sizes: 1, tags: { a: 1 } }), schemas)).toEqual([
      'wrong-type spec.size: expected one of "small", "large"',
      'unknown-field spec.sizes: is no field here: did you mean size?',
      'wrong-type spec.tags.a: expected text, found a number: put it in quotes',
    ]);
    expect(told(widget({}), schemas)).toEqual(['missing-field spec: needs the field size']);
    expect(told({ ...widget({ size: 'small' }), metadata: { ...metadata, label: {} } }, schemas)).toEqual([
      'unknown-field metadata.label: is no field here: did you mean labels?',
    ]);
  });

  it('takes any value for any kind without failing, and tells a bounded number of things', () => {
    const kinds = Object.keys(kubernetesTable.kinds).map((id) => {
      const at = id.lastIndexOf('/');
      return { apiVersion: id.slice(0, at), kind: id.slice(at + 1) };
    });
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.jsonValue({ maxDepth: 6 }), (kind, value) => {
        const object = { ...kind, metadata, spec: value as Json, data: value as Json };
        expect(checkSchema(object, none).length).toBeLessThanOrEqual(20);
      }),
    );
  });

  it('finds the nearest name', () => {
    expect(nearest('contaners', ['containers', 'volumes'])).toBe('containers');
    expect(nearest('x', ['y', 'z'])).toBeUndefined();
  });
});

describe('the table of Kubernetes', () => {
  it('resolves every kind to the end, without a type that is not known', () => {
    const seen = new Set<unknown>();
    const visit = (schema: ReturnType<typeof builtInSchema>): void => {
      if (!schema || seen.has(schema)) return;
      seen.add(schema);
      visit(schema.items);
      visit(schema.others);
      for (const field of schema.fields?.values() ?? []) visit(field);
    };
    for (const id of Object.keys(kubernetesTable.kinds)) {
      const at = id.lastIndexOf('/');
      const schema = builtInSchema(id.slice(0, at), id.slice(at + 1));
      expect(schema?.fields?.has('kind'), id).toBe(true);
      visit(schema);
    }
    expect(seen.size).toBeGreaterThan(1_000);
    expect(builtInSchema('v1', 'constructor')).toBeUndefined();
  });
});

describe('checkLifecycle', () => {
  const budget: KubeObject = { apiVersion: 'policy/v1beta1', kind: 'PodDisruptionBudget', metadata };
  it('is silent, then warns, then refuses, as the release of the cluster goes on', () => {
    expect([20, 21, 24, 25, 36].map((minor) => checkLifecycle(budget, minor)[0]?.severity)).toEqual([
      undefined,
      'warning',
      'warning',
      'error',
      'error',
    ]);
    expect(checkLifecycle(budget, 25)[0]?.message).toBe(
      'policy/v1beta1 PodDisruptionBudget is not served since Kubernetes 1.25: use policy/v1 PodDisruptionBudget',
    );
  });

  it('knows versions whose source is gone', () => {
    const scaler = { apiVersion: 'autoscaling/v2beta2', kind: 'HorizontalPodAutoscaler', metadata };
    expect(checkLifecycle(scaler, 26)[0]).toMatchObject({ rule: 'removed-api' });
    expect(checkLifecycle(scaler, 25)[0]).toMatchObject({ rule: 'deprecated-api' });
    expect(checkLifecycle(deployment({}), newestMinor)).toEqual([]);
  });

  it('reads versions as clusters state them', () => {
    expect(['1.34', 'v1.34.2', 'v1.34.2-gke.1', '1.34+', '34', '2.1', ''].map(minorOf)).toEqual([
      34,
      34,
      34,
      34,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('checkSecret', () => {
  const secret = (more: Readonly<Record<string, Json>>): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    ...more,
  });
  it('finds plain values and quotes none', () => {
    const [complaint] = checkSecret(secret({ stringData: { password: 'hunter2' } }), 'warning');
    expect(complaint).toMatchObject({ rule: 'plain-secret', path: ['stringData'] });
    expect(complaint?.message).toContain('password');
    expect(complaint?.message).not.toContain('hunter2');
  });

  it('lets what is encrypted or empty pass', () => {
    for (const more of [
      {},
      { data: {} },
      { data: { a: '' } },
      { data: { a: 'ENC[AES256_GCM,data:x]' } },
      { stringData: { a: 'x' }, sops: { mac: 'ENC[]' } },
    ])
      expect(checkSecret(secret(more), 'error')).toEqual([]);
    const other = { ...secret({ data: { a: 'b' } }), kind: 'ConfigMap' };
    expect(checkSecret(other, 'error')).toEqual([]);
  });
});

describe('checkReferences', () => {
  const missing = (podSpec: Json, ...present: readonly string[]) =>
    checkReferences(deployment(podSpec), 'shop', new Set(present)).map(({ path, message }) => [
      path.slice(3).join('.'),
      /names (\w+ \S+),/.exec(message)?.[1],
    ]);

  it('finds what pods need, wherever they name it', () => {
    expect(
      missing({
        serviceAccountName: 'robot',
        imagePullSecrets: [{ name: 'pull' }],
        volumes: [
          { configMap: { name: 'a' } },
          { secret: { secretName: 'b' } },
          { persistentVolumeClaim: { claimName: 'c' } },
          { projected: { sources: [{ configMap: { name: 'd' } }, { secret: { name: 'e' } }] } },
        ],
        containers: [{ envFrom: [{ configMapRef: { name: 'f' } }, { secretRef: { name: 'g' } }] }],
        initContainers: [
          {
            env: [
              { valueFrom: { configMapKeyRef: { name: 'h' } } },
              { valueFrom: { secretKeyRef: { name: 'i' } } },
            ],
          },
        ],
      }).map(([, what]) => what),
    ).toEqual([
      'ServiceAccount robot',
      'Secret pull',
      'ConfigMap a',
      'Secret b',
      'PersistentVolumeClaim c',
      'ConfigMap d',
      'Secret e',
      'ConfigMap f',
      'Secret g',
      'ConfigMap h',
      'Secret i',
    ]);
  });

  it('asks for nothing that is there, optional, or made by Kubernetes', () => {
    expect(
      missing(
        {
          serviceAccountName: 'default',
          volumes: [{ configMap: { name: 'here' } }, { secret: { secretName: 'x', optional: true } }],
        },
        referenceId('ConfigMap', 'shop', 'here'),
      ),
    ).toEqual([]);
    expect(
      missing({ volumes: [{ configMap: { name: 'here' } }] }, referenceId('ConfigMap', 'other', 'here')),
    ).toEqual([['volumes.0.configMap.name', 'ConfigMap here']]);
  });
});
