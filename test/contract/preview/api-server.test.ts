/** The schema check of `fairway validate` against a real API server: objects changed at every field, created without effect (dryRun) under strict validation. */
import { Agent, request } from 'node:https';
import { describe, expect, it } from 'vitest';
import { checkSchema } from '../../../hub/preview/checks/check-schema.ts';
import { customSchemas } from '../../../hub/preview/checks/custom-schema.ts';
import type { Json, KubeObject } from '../../../shared/manifest/object.ts';
import { type ControlPlane, startControlPlane, waitFor } from '../../cluster/control-plane.ts';
import { definition, samples } from './samples.ts';

type Path = readonly (string | number)[];

interface Mutant {
  readonly what: string;
  readonly object: KubeObject;
  /** Says nothing of whether the API server minds: other rules than types may be broken. */
  readonly kind: 'unknown' | 'type' | 'missing';
}

/** Names and kinds decide where an object goes, so they stay. Free maps take any key. */
const fixed = new Set(['apiVersion', 'kind', 'metadata.name', 'metadata.namespace', 'metadata']);

function* mutants(object: KubeObject): Generator<Mutant> {
  for (const path of pathsOf(object as Json)) {
    const id = path.join('.');
    if (fixed.has(id)) continue;
    const value = at(object as Json, path);
    const of = (what: string, kind: Mutant['kind'], next: Json | undefined): Mutant => ({
      what: `${object.kind} ${id}: ${what}`,
      kind,
      object: change(object as Json, path, next) as unknown as KubeObject,
    });
    if (isMap(value) && !/labels|annotations|matchLabels|selector|data|limits|requests$/.test(id))
      yield of('an unknown field', 'unknown', { ...value, nonsense: 1 });
    for (const other of ['text', 7, true, { a: 'b' }, ['a']] as readonly Json[])
      if (typeOf(other) !== typeOf(value)) yield of(`${typeOf(other)} for ${typeOf(value)}`, 'type', other);
    yield of('left out', 'missing', undefined);
  }
}

function typeOf(value: Json | undefined): string {
  return Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value;
}

function isMap(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeOf(value) === 'object';
}

function pathsOf(value: Json, path: Path = []): Path[] {
  const here = path.length === 0 ? [] : [path];
  if (Array.isArray(value))
    return [...here, ...value.flatMap((item, index) => pathsOf(item, [...path, index]))];
  if (!isMap(value)) return here;
  return [...here, ...Object.entries(value).flatMap(([name, member]) => pathsOf(member, [...path, name]))];
}

function at(value: Json, path: Path): Json | undefined {
  return path.reduce<Json | undefined>(
    (found, part) => (found as Record<string | number, Json>)?.[part],
    value,
  );
}

function change(value: Json, path: Path, next: Json | undefined): Json | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return next;
  const inner = change((value as Record<string | number, Json>)[first] as Json, rest, next);
  if (Array.isArray(value))
    return value.flatMap((item, index) => (index === first ? (inner === undefined ? [] : [inner]) : [item]));
  const { [first]: _old, ...others } = value as Record<string, Json>;
  return inner === undefined ? others : { ...others, [first]: inner };
}

interface Verdict {
  readonly status: number;
  readonly message: string;
}

function createClient(plane: ControlPlane) {
  const agent = new Agent({ ca: plane.ca, keepAlive: true, maxSockets: 8 });
  return (path: string, body: unknown) =>
    new Promise<Verdict>((resolve, reject) => {
      const headers = { authorization: `Bearer ${plane.token}`, 'content-type': 'application/json' };
      const call = request(plane.url + path, { method: 'POST', agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          // What is served by nobody yet is answered in plain words.
          const isJson = response.headers['content-type']?.includes('json');
          const { message = '' } = isJson
            ? (JSON.parse(text) as { readonly message?: string })
            : { message: text };
          resolve({ status: response.statusCode ?? 0, message });
        });
      });
      call.on('error', reject);
      call.end(JSON.stringify(body));
    });
}

describe('checkSchema', () => {
  it('refuses nothing that the API server takes, and misses no type or field that it refuses to read', async (context) => {
    const plane = await startControlPlane({ name: 'schema' });
    if (!plane) return context.skip('needs Go or KUBEBUILDER_ASSETS');
    try {
      const post = createClient(plane);
      const strict = 'dryRun=All&fieldValidation=Strict';
      await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
      await waitFor('the custom kind to be served', async () => {
        const { status } = await post(`${samples.widgets?.[0]}?${strict}`, samples.widgets?.[1]);
        return status === 201;
      });
      const schemas = customSchemas(definition);
      const wrong: string[] = [];
      let compared = 0;
      for (const [path, object] of Object.values(samples)) {
        const whole = await post(`${path}?${strict}`, object);
        expect([whole.status, whole.message], object.kind).toEqual([201, '']);
        expect(checkSchema(object, schemas), object.kind).toEqual([]);
        const all = [...mutants(object)];
        for (let from = 0; from < all.length; from += 64)
          await Promise.all(
            all.slice(from, from + 64).map(async ({ what, object: mutant, kind }) => {
              const { status, message } = await post(`${path}?${strict}`, mutant);
              const [complaint] = checkSchema(mutant, schemas);
              compared += 1;
              if (complaint && status === 201)
                wrong.push(`${what}: ${complaint.message}, but the API server takes it`);
              // 400: it could not be read as its kind. 422 is mostly about meaning, which is not ours to check.
              if (!complaint && status === 400 && kind !== 'missing')
                wrong.push(`${what}: missed ${message}`);
            }),
          );
      }
      expect(wrong).toEqual([]);
      expect(compared).toBeGreaterThan(1_000);
    } finally {
      await plane.stop();
    }
  }, 180_000);
});
