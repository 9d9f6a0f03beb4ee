import { describe, expect, it } from 'vitest';
import { findPointers, parseJqPath } from './jq-path.ts';

const deployment = {
  metadata: { annotations: { 'a/b': 'x', c: 'y' } },
  spec: {
    replicas: 2,
    template: {
      spec: {
        containers: [
          {
            name: 'web',
            image: 'web:1',
            env: [
              { name: 'A', value: '1' },
              { name: 'DD_AGENT', value: '2' },
            ],
          },
          { name: 'side', image: 'side:1', tty: true },
        ],
      },
    },
  },
  webhooks: [{ name: 'one', clientConfig: { caBundle: 'x' } }, { name: 'two' }],
};

describe('parseJqPath', () => {
  const containers = '/spec/template/spec/containers';
  it.each<[string, readonly string[]]>([
    ['.spec.replicas', ['/spec/replicas']],
    ['.spec["replicas"]', ['/spec/replicas']],
    ['.metadata.annotations."a/b"', ['/metadata/annotations/a~1b']],
    ['.metadata.annotations[]', ['/metadata/annotations/a~1b', '/metadata/annotations/c']],
    ['.spec.template.spec.containers[0].image', [`${containers}/0/image`]],
    ['.spec.template.spec.containers[-1].image', [`${containers}/1/image`]],
    ['.spec.template.spec.containers[].image', [`${containers}/0/image`, `${containers}/1/image`]],
    ['.spec.template.spec.containers[] | select(.name == "side").image', [`${containers}/1/image`]],
    ['.spec.template.spec.containers[]|select(.name!="side")|.image', [`${containers}/0/image`]],
    ['.spec.template.spec.containers[] | select(.tty == true)', [`${containers}/1`]],
    [
      '.spec.template.spec.containers[] | select(.name == "web" and .image == "x" or .tty == true)',
      [`${containers}/1`],
    ],
    [
      '.spec.template.spec.containers[]?.env[]? | select(.name | startswith("DD_")) | .value',
      [`${containers}/0/env/1/value`],
    ],
    [
      '.spec.template.spec.containers[] | select((.image | contains("de:")) and .tty == true)',
      [`${containers}/1`],
    ],
    ['.webhooks[]?.clientConfig.caBundle', ['/webhooks/0/clientConfig/caBundle']],
    ['.spec.nothing[].at.all', []],
    ['.spec.replicas.below', []],
  ])('finds %s', (text, pointers) => {
    const parsed = parseJqPath(text);
    expect(parsed.ok && findPointers(parsed.path, deployment)).toEqual(pointers);
  });

  it.each<[string, string]>([
    ['', 'begins with a dot'],
    ['spec.replicas', 'begins with a dot'],
    ['.', 'names the whole object'],
    ['.spec..replicas', 'a dot leads nowhere'],
    ['.spec.containers[1:2]', 'cannot be read at ":2]"'],
    ['.spec.containers[.x]', 'expected "]"'],
    ['.spec | keys', 'keys is not supported; supported are'],
    ['.spec.x = 1', 'cannot be read at "= 1"'],
    ['.spec.containers[] | select(.name == "x"', 'expected ")", found its end'],
    ['.spec.containers[] | select(.name)', 'expected == or != in select()'],
    ['.spec.containers[] | select(.name | test("x"))', 'test is not supported in select()'],
    ['.a, .b', 'cannot be read at ", .b"'],
  ])('refuses %s', (text, message) => {
    const parsed = parseJqPath(text);
    expect(parsed.ok ? '' : parsed.message).toContain(message);
  });
});
