/** What clusters are besides their applications, in the words of each. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { factSections } from '../../../shared/manifest/cluster-facts.ts';
import { createLoopBed, type LoopBed } from '../loop-bed.test-support.ts';
import { createParityLoop, type ParityDriver } from './parity-loop.ts';

const head = 'apiVersion: fairway.dev/v1alpha1\n';
const cluster = (name: string, region: string) =>
  `${head}kind: Cluster\nmetadata: {name: ${name}}\nspec: {region: ${region}}\n`;
const files = {
  'fleet/clusters.yaml': `${cluster('one', 'north')}---\n${cluster('two', 'south')}`,
  'fleet/pair.yaml': `${head}kind: ParityGroup
metadata: {name: pair}
spec:
  primary: one
  standbys: {clusters: [two]}
  variables: {region: "{{cluster.region}}"}
`,
};

describe('createParityLoop, in words of each cluster', () => {
  let bed: LoopBed;
  let parity: ParityDriver;
  const digests = { one: 'sha256:a', two: 'sha256:b' };
  const images = {
    one: { 'north.example.com/web:1': [digests.one], 'eu.example.com/job:1': ['sha256:c'] },
    two: { 'south.example.com/web:1': [digests.two], 'eu.example.com/job:1': ['sha256:c'] },
  };

  beforeEach(async () => {
    bed = await createLoopBed();
    parity = createParityLoop({
      ...{ store: bed.store, digestKey: new Uint8Array(32), log: silentLogger },
      async ask(name, question) {
        if (question.type !== 'facts') throw new FairwayError('unavailable', 'away');
        const sections = factSections.map((section) => {
          const values = section === 'images' ? (name === 'one' ? images.one : images.two) : {};
          return { section, digest: name, values, failure: '' };
        });
        return { type: 'facts', sections };
      },
      explain: () => Promise.reject(new FairwayError('unavailable', 'away')),
      ...{ clock: bed.clock, random: createSeededRandom(1) },
    });
    await bed.commit(files);
    await bed.resolve();
  });
  afterEach(async () => {
    await parity.stop();
    await bed.close();
  });

  it('tells of an image whose digest is another under the name that each region has for it', async () => {
    parity.wakeAll();
    for (let turn = 0; turn < 4; turn += 1) {
      await bed.clock.advance(2_000);
      for (const loop of parity.loops) await loop.idle();
    }
    const told = parity.differences('pair').map(({ class: name, message }) => `${name} ${message}`);
    expect(told).toEqual([
      'environment Image north.example.com/web:1 is another in two (south.example.com/web:1 there)',
    ]);
  });
});
