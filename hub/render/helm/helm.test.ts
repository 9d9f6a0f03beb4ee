/** The parts of the chart renderer that need no helm. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import { defaultLimits } from '../limits.ts';
import { problemOf } from '../render-error.ts';
import { mapHook } from './hooks.ts';
import { withMovedClock } from './moved-clock.ts';
import { parseOutput, resourcesOf } from './parse-output.ts';
import { readArchive } from './read-archive.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const place = { file: 'chart/templates/a.yaml', line: 0 };
const withHook = (hook: string): KubeObject =>
  ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'a', annotations: { 'helm.sh/hook': hook } },
  }) as KubeObject;

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (caught) {
    return problemOf(caught)?.message ?? String(caught);
  }
  return '';
}

describe('mapHook', () => {
  it.each([
    ['pre-install', 'pre-sync'],
    ['PRE-UPGRADE, pre-rollback', 'pre-sync'],
    ['post-install,post-upgrade', 'post-sync'],
    ['test', undefined],
    ['pre-delete,post-delete', undefined],
    ['pre-rollback', undefined],
  ])('makes of %s %s', (hook, phase) => {
    expect(mapHook(withHook(hook), place)?.metadata.annotations?.['fairway.dev/hook']).toBe(phase);
  });

  it('refuses what it does not know, and what is both', () => {
    expect(refusal(() => mapHook(withHook('crd-install'), place))).toBe(
      'the hook "crd-install" is not known',
    );
    expect(refusal(() => mapHook(withHook('pre-install,post-install'), place))).toContain(
      'both before and after',
    );
  });

  it('leaves an object without hook as it is, and one that states our own its own', () => {
    const plain = { apiVersion: 'v1', kind: 'A', metadata: { name: 'a' } } as KubeObject;
    expect(mapHook(plain, place)).toBe(plain);
    const own = withHook('pre-install');
    const annotations = { ...own.metadata.annotations, 'fairway.dev/hook': 'post-sync' };
    const mapped = mapHook({ ...own, metadata: { ...own.metadata, annotations } }, place);
    expect(mapped?.metadata.annotations?.['fairway.dev/hook']).toBe('post-sync');
  });
});

describe('withMovedClock', () => {
  it('changes the functions that ask the clock, and nothing that only looks like them', () => {
    const text =
      'now {{ now }} {{ "now" }} {{ .now }} {{ $now }} {{ `now` }} {{/* now */}} {{ snow }} {{ x | ago }}';
    const moved = withMovedClock({
      chart: new Map([
        ['templates/a.yaml', bytes(text)],
        ['Chart.yaml', bytes('{{ now }}')],
        ['files/logo.png', new Uint8Array([0xff, 0xfe, 0x00])],
      ]),
      valueFiles: [{ name: 'v', bytes: bytes('t: "{{ now }}"') }],
    });
    const shown = [...moved.chart.values(), moved.valueFiles[0]!.bytes].map((one) =>
      new TextDecoder().decode(one),
    );
    const clock = '(toDate `2006-01-02` `2001-02-03`)';
    expect(shown[0]).toBe(
      `now {{ ${clock} }} {{ "now" }} {{ .now }} {{ $now }} {{ \`now\` }} {{/* now */}} {{ snow }} {{ x | printf \`%v ago\` }}`,
    );
    expect(shown[1]).toBe('{{ now }}');
    expect(moved.chart.get('files/logo.png')).toEqual(new Uint8Array([0xff, 0xfe, 0x00]));
    expect(shown[3]).toBe(`t: "{{ ${clock} }}"`);
  });
});

describe('parseOutput', () => {
  it('knows the template of each document, whatever stands in it', () => {
    const output = [
      '---',
      '# Source: demo/crds/a.yaml',
      'apiVersion: v1\nkind: A\nmetadata: {name: a}',
      '---',
      'apiVersion: v1\nkind: A\nmetadata: {name: b, on: yes, date: 2026-01-02}',
      '---',
      '# Source: demo/charts/sub/templates/c.yaml',
      'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: A\n  metadata: {name: c}\n  text: |\n    # Source: demo/x\n',
    ].join('\n');
    const documents = parseOutput(bytes(output), 'app/chart', defaultLimits);
    expect(documents.map(({ file }) => file)).toEqual([
      'app/chart/crds/a.yaml',
      'app/chart/crds/a.yaml',
      'app/chart/charts/sub/templates/c.yaml',
    ]);
    // YAML as Helm reads it: 1.1's booleans, dates as they are written.
    expect(documents[1]!.value).toMatchObject({ metadata: { true: true, date: '2026-01-02' } });
    expect(resourcesOf(documents, defaultLimits).map(({ originId }) => originId)).toEqual([
      '/A//a',
      '/A//b',
      '/A//c',
    ]);
  });

  it('names the template of what is no YAML or no object', () => {
    const broken = bytes('---\n# Source: demo/templates/a.yaml\na: [\n');
    expect(refusal(() => parseOutput(broken, 'c', defaultLimits))).toContain('once rendered: not valid YAML');
    const text = parseOutput(bytes('---\n# Source: demo/templates/a.yaml\nhello\n'), 'c', defaultLimits);
    expect(refusal(() => resourcesOf(text, defaultLimits))).toContain('expected a Kubernetes object');
  });
});

describe('readArchive', () => {
  const limits = { bytesMax: 10_000, filesMax: 10 };

  it('says what is no archive, and never reads on past its end', () => {
    expect(readArchive(bytes('hello'), limits)).toMatchObject({ ok: false });
    expect(readArchive(gzipSync(Buffer.alloc(20_000)), limits)).toMatchObject({ ok: false });
    const header = Buffer.alloc(512);
    header.write('a/b', 0);
    header.write('00000077777\0', 124);
    header.write('0', 156);
    expect(readArchive(gzipSync(header), limits)).toEqual({ ok: false, message: 'a damaged tar archive' });
  });

  it('never throws, and keeps to its bounds, whatever the bytes', () => {
    const header = fc
      .tuple(
        fc.string({ maxLength: 120 }),
        fc.constantFrom('00000000007', '7', 'x', '-1', '77777777777'),
        fc.nat(255),
      )
      .map(([name, size, type]) => {
        const block = Buffer.alloc(512);
        block.write(name, 0, 100);
        block.write(size, 124);
        block[156] = type;
        return block;
      });
    const part = fc.oneof(header, fc.uint8Array({ maxLength: 600 }), fc.constant(new Uint8Array(512)));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const result = readArchive(gzipSync(Buffer.concat(parts)), limits);
        if (!result.ok) return;
        expect(result.files.size).toBeLessThanOrEqual(limits.filesMax);
        for (const path of result.files.keys()) expect(path.split('/')).not.toContain('..');
      }),
      { seed: 20261121, numRuns: 1_000 },
    );
  });
});
