import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FieldPart, FieldPath } from './trace.ts';
import { parseFieldPath, printFieldPath } from './trace-path.ts';
import { resolveField } from './trace-resolve.ts';

const parsed = (text: string): FieldPath => {
  const result = parseFieldPath(text);
  if (!result.ok) throw new Error(result.message);
  return result.path;
};

describe('parseFieldPath', () => {
  it.each<[string, FieldPath]>([
    ['spec.replicas', ['spec', 'replicas']],
    ['.spec.replicas', ['spec', 'replicas']],
    ['', []],
    ['.', []],
    [
      'spec.template.spec.containers[name=web].image',
      ['spec', 'template', 'spec', 'containers', { item: { name: 'web' } }, 'image'],
    ],
    ['containers.[name=web].ports[0]', ['containers', { item: { name: 'web' } }, 'ports', 0]],
    ['ports[containerPort=80,protocol=TCP]', ['ports', { item: { containerPort: '80', protocol: 'TCP' } }]],
    ['metadata.labels["app.kubernetes.io/name"]', ['metadata', 'labels', 'app.kubernetes.io/name']],
    ["metadata.labels['a.b']", ['metadata', 'labels', 'a.b']],
    ['metadata.labels[a.b/c]', ['metadata', 'labels', 'a.b/c']],
    ['data.app\\.conf', ['data', 'app.conf']],
    ['metadata.finalizers[=a/b]', ['metadata', 'finalizers', { item: { '': 'a/b' } }]],
    ['hosts[name="a,]b"]', ['hosts', { item: { name: 'a,]b' } }]],
    ['/spec/replicas', ['spec', 'replicas']],
    ['/metadata/labels/a.b~1c', ['metadata', 'labels', 'a.b/c']],
  ])('reads %s', (text, path) => {
    expect(parsed(text)).toEqual(path);
  });

  it.each(['spec..replicas', 'spec[', 'spec[]', 'spec.a]', 'spec[name=web', 'a[b]c', 'a.'])(
    'refuses %s, saying where',
    (text) => {
      expect(parseFieldPath(text)).toEqual({ ok: false, message: expect.stringContaining(' at ') });
    },
  );

  it('reads what printFieldPath prints', () => {
    const key = fc.oneof(
      fc.constantFrom('spec', 'a.b/c', '0', 'x y', '"', '\\'),
      fc.string({ minLength: 1 }),
    );
    const part: fc.Arbitrary<FieldPart> = fc.oneof(
      key,
      fc.nat(1_000),
      fc
        .dictionary(fc.constantFrom('name', 'port', 'protocol'), fc.string(), { minKeys: 1 })
        .map((item) => ({ item })),
      fc.string().map((value) => ({ item: { '': value } })),
    );
    fc.assert(
      fc.property(fc.array(part), (path) => {
        const text = printFieldPath(path);
        // What begins with a slash would be a pointer, and what is blank around is trimmed: both are printed in quotes.
        expect(parsed(text)).toEqual(path);
      }),
    );
  });
});

describe('resolveField', () => {
  const object = {
    metadata: { labels: { 'app.kubernetes.io/name': 'web' } },
    data: { 'app.conf': 'x' },
    spec: {
      replicas: 2,
      containers: [{ name: 'web', image: 'nginx' }, { name: 'sidecar' }],
      ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }],
      args: ['a', 'b'],
    },
  };
  const mergeKeys = { 'spec.containers': ['name'], 'spec.ports': ['containerPort', 'protocol'] };
  const resolve = (text: string) => resolveField(object, parsed(text), mergeKeys);

  it('names items by their keys however they were named', () => {
    const path = ['spec', 'containers', { item: { name: 'web' } }, 'image'];
    for (const text of [
      'spec.containers[0].image',
      'spec.containers[name=web].image',
      '/spec/containers/0/image',
    ])
      expect(resolve(text)).toMatchObject({ ok: true, path, value: 'nginx' });
  });

  it('puts dots back into keys that were not quoted', () => {
    expect(resolve('data.app.conf')).toMatchObject({ ok: true, path: ['data', 'app.conf'], value: 'x' });
    expect(resolve('metadata.labels.app.kubernetes.io/name')).toMatchObject({ ok: true, value: 'web' });
  });

  it('takes fewer keys than an item has where only one has no more', () => {
    expect(resolve('spec.ports[containerPort=80]')).toMatchObject({ ok: true, value: { containerPort: 80 } });
    expect(resolve('spec.ports[protocol=UDP]')).toMatchObject({ ok: true, value: { protocol: 'UDP' } });
  });

  it.each([
    ['spec.replica', 'spec has no "replica"; it has replicas, containers, ports, args', ['spec.replicas']],
    ['spec.replicas.a', 'spec.replicas is a number and has no fields', []],
    [
      'spec.containers[name=wep].image',
      'spec.containers is a list without [name=wep]; it has [name=web], [name=sidecar]',
      ['spec.containers[name=web].image'],
    ],
    ['spec.args[2]', 'spec.args is a list without [2]; it has [0], [1]', ['spec.args[0]', 'spec.args[1]']],
    ['metadata[name=a]', 'metadata is no list', []],
    ['kynd', 'the object has no "kynd"; it has metadata, data, spec', []],
  ])('says of %s what is there', (text, message, near) => {
    expect(resolve(text)).toEqual(expect.objectContaining({ ok: false, message, near }));
  });
});
