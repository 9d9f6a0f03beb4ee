import { describe, expect, it } from 'vitest';
import type { ApiApplication, ApiPlacement } from '../../api/schemas/application.ts';
import type { ApiRevision } from '../../api/schemas/revision.ts';
import { createColours } from '../output/colour.ts';
import { renderApplicationStatus, renderFleetProblems } from './render-status.ts';

const placement = (cluster: string, about: Partial<ApiPlacement> = {}) =>
  ({
    ...{ cluster, application: 'shop', region: 'eu', revisionId: 'a633276000', upToDate: true },
    ...{ stage: 'Healthy', health: 'Current', drifted: false, objects: 4, objectsSynced: 4 },
    ...{ message: '', removing: false, paused: false, connected: true, ...about },
  }) as ApiPlacement;

const application = (placements: readonly ApiPlacement[]) =>
  ({
    ...{ name: 'shop', repository: '', path: 'apps/shop', revisionId: '', problems: [] },
    ...{ clusters: placements.length, clustersHealthy: 0, clustersUpToDate: 0, clustersDrifted: 0 },
    placements: [...placements],
  }) as unknown as ApiApplication;

const render = (placements: readonly ApiPlacement[], all = false) =>
  renderApplicationStatus(application(placements), {
    ...{ colours: createColours({ terminal: false, env: {} }), nowMs: 0, columns: undefined, all },
    ...{ revisions: new Map(), failovers: [] },
  });

const many = (count: number, about: Partial<ApiPlacement> = {}, prefix = 'quiet') =>
  Array.from({ length: count }, (_, at) => placement(`${prefix}-${at}`, about));

const rowsOf = (text: string) => text.split('\n').filter((line) => /^ {2}eu /.test(line));

describe('renderApplicationStatus', () => {
  it('shows every cluster of a few', () => {
    expect(rowsOf(render(many(20)))).toHaveLength(20);
    expect(render(many(20))).not.toContain('not shown');
  });

  it('shows of many clusters those that have something to say, and counts the rest', () => {
    const text = render([
      ...many(300),
      placement('drifted-1', { drifted: true }),
      placement('away-1', { connected: false }),
      placement('old-1', { upToDate: false }),
    ]);
    expect(rowsOf(text).map((line) => line.split(/\s+/)[2])).toEqual(['away-1', 'drifted-1', 'old-1']);
    expect(text).toContain('not shown: 300 healthy, up to date and without drift (--all)');
  });

  it('cuts a page where hundreds have something to say', () => {
    const text = render([...many(300), ...many(50, { drifted: true }, 'loud')]);
    expect(rowsOf(text)).toHaveLength(20);
    expect(text).toContain(
      'not shown: 30 more like these, 300 healthy, up to date and without drift (--all)',
    );
  });

  it('shows all of them where that is asked for', () => {
    expect(rowsOf(render(many(300), true))).toHaveLength(300);
  });

  it('calls nothing old that was never there', () => {
    expect(rowsOf(render([placement('new-1', { revisionId: '', upToDate: false })]))[0]).not.toContain(
      '(old)',
    );
  });
});

describe('problems of an application', () => {
  const problem = (cluster: string, file = 'apps/shop/web.yaml') => ({
    ...{ cluster, file, line: 3, field: '', message: 'bad' },
  });
  const problemsOf = (placements: readonly ApiPlacement[], problems: readonly ReturnType<typeof problem>[]) =>
    renderApplicationStatus({ ...application(placements), problems: [...problems] } as ApiApplication, {
      ...{ colours: createColours({ terminal: false, env: {} }), nowMs: 0, columns: undefined, all: false },
      ...{ revisions: new Map(), failovers: [] },
    })
      .split('\n')
      .filter((line) => line.includes('problem'));

  it('are told once for many clusters', () => {
    const problems = [
      problem(''),
      ...many(300).map(({ cluster }) => problem(cluster, 'apps/shop/other.yaml')),
    ];
    expect(problemsOf(many(300), problems)).toEqual([
      '  problem  apps/shop/web.yaml:3: bad',
      '  problem  quiet-0, quiet-1, quiet-2 and 297 more: apps/shop/other.yaml:3: bad',
    ]);
  });

  it('are not told again where the line of the cluster does', () => {
    const stays = placement('eu-1', {
      upToDate: false,
      message: 'stays at what it had: apps/shop/web.yaml:3: bad',
    });
    expect(problemsOf([stays], [problem('eu-1')])).toEqual([]);
  });
});

describe('renderFleetProblems', () => {
  const problem = (application: string, line: number) => ({
    ...{
      application,
      cluster: '',
      file: 'fleet/web.yaml',
      line,
      field: 'spec.regoin',
      message: 'unknown field',
    },
  });
  const page = (problems: readonly ReturnType<typeof problem>[]) => ({
    ...{ colours: createColours({ terminal: false, env: {} }), nowMs: 0, columns: undefined, all: false },
    revisions: new Map([
      ['520d30e', { id: '520d30eaa', author: { name: 'Ann' }, problems } as unknown as ApiRevision],
    ]),
    failovers: [],
  });

  it('names file, line and field, since when and what that means', () => {
    expect(renderFleetProblems(page([problem('', 13), problem('web', 1)]))).toBe(
      'problem  fleet/web.yaml:13: spec.regoin: unknown field\n' +
        '  since revision 520d30e by Ann; what these files described stays as it was, and nothing is removed until they are mended\n',
    );
  });

  it('leaves to applications what is theirs', () => {
    expect(renderFleetProblems(page([problem('web', 1)]))).toBe('');
  });

  it('is bounded', () => {
    const lines = renderFleetProblems(page(Array.from({ length: 15 }, (_, at) => problem('', at)))).split(
      '\n',
    );
    expect(lines).toHaveLength(13);
    expect(lines[10]).toBe('  and 5 more');
  });
});
