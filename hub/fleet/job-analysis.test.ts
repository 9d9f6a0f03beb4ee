import { describe, expect, it } from 'vitest';
import { emptyFleet } from '../model/fleet.ts';
import { readFleet } from './read-fleet.ts';
import { treeOf } from './tree.test-support.ts';

const strategy = (job: string) => `apiVersion: fairway.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: careful-one }
spec:
  waves:
    - name: canary
      analysis:
        - name: smoke
          job:
${job}
`;
const read = (job: string) =>
  readFleet({ tree: treeOf({ 'fleet/s.yaml': strategy(job) }), previous: emptyFleet });
const template = '              template: { spec: { containers: [{ name: smoke, image: "smoke:1" }] } }';

describe('an analysis by a Job', () => {
  it('is the spec of a Job, with what it may take', async () => {
    const fleet = await read(
      `            clusters: each\n            timeout: 5m\n            spec:\n${template}`,
    );
    expect(fleet.problems).toEqual([]);
    expect(fleet.strategies.get('careful-one')?.strategy.waves[0]?.analysis).toMatchObject([
      { provider: { type: 'job', clusters: 'each', timeoutMs: 300_000, spec: { template: {} } } },
    ]);
  });

  it.each([
    ['            spec: {}', 10, 'job.spec.template', 'expected spec.containers'],
    [
      `            spec:\n              ttlSecondsAfterFinished: 1\n${template}`,
      11,
      'job.spec.ttlSecondsAfterFinished',
      'remove it',
    ],
    [
      '            spec:\n              template: { spec: { restartPolicy: Always, containers: [{}] } }',
      11,
      'job.spec.template.spec.restartPolicy',
      'expected Never (the default) or OnFailure',
    ],
    [
      `            timeout: 0s\n            spec:\n${template}`,
      10,
      'job.timeout',
      'expected more than no time',
    ],
  ])('says file, line and field of what is wrong (%#)', async (job, line, field, message) => {
    const [problem] = (await read(job)).problems;
    expect(problem).toMatchObject({ file: 'fleet/s.yaml', line, message: expect.stringContaining(message) });
    expect(problem?.field).toContain(field);
  });
});
