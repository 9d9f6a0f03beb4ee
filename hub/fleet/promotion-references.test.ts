import { describe, expect, it } from 'vitest';
import { emptyFleet } from '../model/fleet.ts';
import { readFleet } from './read-fleet.ts';
import { treeOf } from './tree.test-support.ts';

const application = (name: string, rest: string) => `apiVersion: fairway.dev/v1alpha1
kind: Application
metadata:
  name: ${name}
spec:
  source: { path: apps/web }
${rest}`;

async function read(files: Readonly<Record<string, string>>) {
  return readFleet({ tree: treeOf(files), previous: emptyFleet });
}

const staging = application('web-staging', '  component: web\n  environment: staging\n');
const problemsOf = async (...texts: readonly string[]) => {
  const files = Object.fromEntries(texts.map((text, index) => [`fleet/${index}.yaml`, text]));
  const { problems } = await read(files);
  return problems.map(({ file, line, field, message }) => `${file}:${line} ${field}: ${message}`);
};

describe('rollout.after', () => {
  it('finds the Application of the same component in the environment, or the one that is named', async () => {
    const fleet = await read({
      'fleet/a.yaml': staging,
      'fleet/b.yaml': application(
        'web-production',
        '  component: web\n  environment: production\n  rollout:\n    after: { environment: staging, soak: 24h }\n',
      ),
      'fleet/c.yaml': application('other', '  rollout: { after: { application: web-staging } }\n'),
    });
    expect(fleet.problems).toEqual([]);
    expect(fleet.applications.get('web-production')).toMatchObject({
      component: 'web',
      environment: 'production',
      rollout: {
        strategy: 'careful',
        after: { application: '', environment: 'staging', soakMs: 86_400_000 },
      },
    });
    expect(fleet.applications.get('other')?.rollout?.after).toEqual({
      ...{ application: 'web-staging', environment: '', soakMs: 0 },
    });
  });

  it('names file, line and field of an environment or an Application that is not there', async () => {
    const unknown = application(
      'web-production',
      '  component: web\n  environment: production\n  rollout:\n    after:\n      environment: stageing\n',
    );
    expect(await problemsOf(staging, unknown)).toEqual([
      'fleet/1.yaml:11 spec.rollout.after.environment: no Application of component web has environment stageing: write spec.component and spec.environment there, or name it by after.application',
    ]);
    const missing = application('other', '  rollout:\n    after:\n      application: nobody\n');
    expect(await problemsOf(staging, missing)).toEqual([
      'fleet/1.yaml:9 spec.rollout.after.application: there is no Application nobody: add it, or name another',
    ]);
    const alone = application('other', '  rollout:\n    after:\n      environment: staging\n');
    expect((await problemsOf(staging, alone))[0]).toContain('needs spec.component');
    const both = application('other', '  rollout:\n    after: { application: a, environment: b }\n');
    expect((await problemsOf(both))[0]).toContain('expected application, the name of another Application');
  });

  it('refuses an environment that several Applications of the component have', async () => {
    const second = application('web-staging-2', '  component: web\n  environment: staging\n');
    const production = application(
      'web-production',
      '  component: web\n  environment: production\n  rollout:\n    after:\n      environment: staging\n',
    );
    expect((await problemsOf(staging, second, production))[0]).toContain(
      'have environment staging (web-staging, web-staging-2): name one by after.application',
    );
  });

  it('refuses Applications that wait for one another', async () => {
    const one = application('one', '  rollout:\n    after:\n      application: two\n');
    const two = application('two', '  rollout:\n    after:\n      application: one\n');
    expect(await problemsOf(one, two)).toEqual([
      'fleet/0.yaml:9 spec.rollout.after.application: waits for itself by one -> two -> one: remove one of these',
      'fleet/1.yaml:9 spec.rollout.after.application: waits for itself by two -> one -> two: remove one of these',
    ]);
    expect(
      (await problemsOf(application('me', '  rollout:\n    after:\n      application: me\n')))[0],
    ).toContain('an Application cannot wait for itself');
  });

  it('takes what the strategy says, and points at the strategy where that does not hold', async () => {
    const strategy = `apiVersion: fairway.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: by-environment }
spec: { after: { environment: staging, soak: 1h } }
`;
    const takes = (name: string, component: string) =>
      application(
        name,
        `  component: ${component}\n  environment: production\n  rollout:\n    strategy: by-environment\n`,
      );
    expect(await problemsOf(strategy, staging, takes('web-production', 'web'))).toEqual([]);
    expect((await problemsOf(strategy, staging, takes('shop', 'shop')))[0]).toContain(
      'fleet/2.yaml:10 spec.rollout.strategy: the strategy wants environment staging: no Application of component shop',
    );
  });
});
