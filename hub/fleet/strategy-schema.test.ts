import { describe, expect, it } from 'vitest';
import { strategySpec, toStrategy } from './strategy-schema.ts';

const problemsOf = (document: unknown) => {
  const parsed = strategySpec.safeParse(document);
  return (parsed.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
};

describe('revert of a strategy', () => {
  it('is nothing unless it is asked for', () => {
    expect(toStrategy('s', strategySpec.parse({})).revert).toBeUndefined();
    expect(toStrategy('s', strategySpec.parse({ onFailure: 'rollback', revert: 'branch' })).revert).toBe(
      'branch',
    );
  });

  it('counts after a rollback only', () => {
    const message = 'revert: counts with onFailure: rollback only: a revert is written after a rollback';
    expect(problemsOf({ revert: 'branch' })).toEqual([message]);
    expect(problemsOf({ revert: 'commit', onFailure: 'continue' })).toEqual([message]);
    expect(problemsOf({ revert: 'none' })).toEqual([]);
    expect(problemsOf({ revert: 'push', onFailure: 'rollback' })[0]).toContain('revert: ');
  });
});

describe('after of a strategy', () => {
  it('names an environment and a soak, never an Application', () => {
    expect(toStrategy('s', strategySpec.parse({ after: { environment: 'staging' } })).after).toEqual({
      ...{ application: '', environment: 'staging', soakMs: 0 },
    });
    expect(problemsOf({ after: { application: 'web' } })).not.toEqual([]);
    expect(problemsOf({ after: { environment: 'staging', soak: '31d' } })).toEqual([
      'after.soak: expected at most 30d',
    ]);
  });
});

describe('url of an analysis', () => {
  const problemsWith = (url: string) =>
    problemsOf({ waves: [{ name: 'all', analysis: [{ name: 'up', http: { url } }] }] });

  it('may name the cluster, also in the host, and nothing else there', () => {
    expect(problemsWith('https://prometheus.{{cluster}}.example/{{cluster}}')).toEqual([]);
    expect(problemsWith('https://prometheus.{{region}}.example')).toEqual([
      'waves.0.analysis.0.http.url: expected nothing in braces but {{application}}, {{wave}}, {{clusters}} or {{cluster}}',
    ]);
    expect(problemsWith('https://{{cluster}}:secret@prometheus.example')[0]).toContain('password');
  });
});
