import { describe, expect, it } from 'vitest';
import type { JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import { fieldKey, findSources } from './value-marks.ts';

interface Values {
  readonly name: string;
  readonly port: number;
  readonly mode: string;
  readonly loud: boolean;
  readonly same: string;
}

const values: Values = { name: 'web', port: 80, mode: 'fast', loud: true, same: 'web' };

/** A chart as a function. */
function chart({ name, port, mode, loud }: Values): KubeObject | undefined {
  if (mode !== 'fast' && mode !== 'slow') return undefined;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'fixed' },
    data: { address: `${name}:${port}`, shout: name.toUpperCase(), mode, loud: String(loud) },
  } as unknown as KubeObject;
}

async function sourcesOf(hints: Readonly<Record<string, readonly string[][]>> = {}) {
  let renders = 0;
  const sources = await findSources({
    object: chart(values) as KubeObject,
    values: values as unknown as JsonObject,
    render: async (changed) => {
      renders += 1;
      return chart(changed as unknown as Values);
    },
    hints: (path) => hints[String(path.at(-1))] ?? [],
  });
  const of = (...path: readonly string[]) => sources.get(fieldKey(path))?.map((leaf) => leaf.path.join('.'));
  return { of, renders };
}

describe('findSources', () => {
  it('finds the values that a field was made from, also where marks make the chart fail', async () => {
    const { of, renders } = await sourcesOf();
    expect(of('data', 'address')).toEqual(['name', 'port']);
    // `same` has the same text, and nothing is made from it.
    expect(of('metadata', 'name')).toBeUndefined();
    // Neither is seen as it is, and nothing names them.
    expect(of('data', 'shout')).toBeUndefined();
    expect(renders).toBeLessThanOrEqual(24);
  });

  it('tries those that the template names one by one', async () => {
    const { of } = await sourcesOf({ shout: [['name']], loud: [['loud']], mode: [['mode']] });
    expect(of('data', 'shout')).toEqual(['name']);
    expect(of('data', 'loud')).toEqual(['loud']);
    // Another mode is refused by the chart: it is named, and has the text.
    expect(of('data', 'mode')).toEqual(['mode']);
    const { of: unnamed } = await sourcesOf({ mode: [['mode'], ['name']] });
    expect(unnamed('data', 'mode')).toBeUndefined();
  });

  it('renders no more than it may', async () => {
    let renders = 0;
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`k${index}`, `v${index}x`]));
    await findSources({
      object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, data: many },
      values: many,
      render: async () => {
        renders += 1;
        return undefined;
      },
      hints: (path) => [path.slice(1)],
    });
    expect(renders).toBe(24);
  });
});
