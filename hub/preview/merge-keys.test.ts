import { describe, expect, it } from 'vitest';
import type { Json } from '../../shared/manifest/object.ts';
import { diffFields, pathText } from './diff-fields.ts';
import { schemaOf } from './merge-keys.ts';

describe('schemaOf', () => {
  it('knows what identifies the items of lists, however deep they lie', () => {
    const deployment = (mount: Json, port: Json): Json => ({
      spec: {
        template: { spec: { containers: [{ name: 'web', volumeMounts: [mount], ports: [port] }] } },
      },
    });
    const diffs = diffFields(
      deployment({ mountPath: '/a', name: 'x' }, { containerPort: 80, protocol: 'UDP' }),
      deployment({ mountPath: '/a', name: 'y' }, { containerPort: 80, protocol: 'UDP', name: 'dns' }),
      schemaOf('apps/v1', 'Deployment'),
    );
    expect(diffs.map(({ path }) => pathText(path))).toEqual([
      '/spec/template/spec/containers/[name=web]/volumeMounts/[mountPath=~1a]/name',
      '/spec/template/spec/containers/[name=web]/ports/[containerPort=80,protocol=UDP]/name',
    ]);
  });

  it('knows nothing of custom kinds', () => {
    expect(schemaOf('example.com/v1', 'Widget')).toBeUndefined();
  });
});
