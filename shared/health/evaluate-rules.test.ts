import { describe, expect, it } from 'vitest';
import type { JsonObject, KubeObject } from '../manifest/object.ts';
import { checkHealthExpression, createRuleJudge, findHealthRule } from './evaluate-rules.ts';

const rule = (parts: { current?: string; inProgress?: string; failed?: string }) => ({
  apiVersion: 'example.com/v1',
  kind: 'Database',
  current: '',
  inProgress: '',
  failed: '',
  ...parts,
});
const database = (status?: JsonObject, metadata: JsonObject = {}): KubeObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Database',
  metadata: { name: 'x', ...metadata },
  ...(status && { status }),
});
const full = rule({
  current: 'has(object.status) && object.status.phase == "Up"',
  inProgress: 'has(object.status) && object.status.phase in ["Making", "Moving"]',
  failed: 'has(status.phase) && status.phase == "Broken"',
});

describe('createRuleJudge', () => {
  it.each<[string, KubeObject, string, string]>([
    ['Up', database({ phase: 'Up' }), 'Current', ''],
    ['Making', database({ phase: 'Making' }), 'InProgress', 'HealthRule'],
    ['Broken', database({ phase: 'Broken' }), 'Failed', 'HealthRule'],
    ['nothing yet', database(), 'InProgress', 'HealthRule'],
    [
      'an older generation',
      database({ phase: 'Up', observedGeneration: 1 }, { generation: 2 }),
      'InProgress',
      'GenerationNotObserved',
    ],
    ['deletion', database({ phase: 'Up' }, { deletionTimestamp: 't' }), 'Terminating', 'Deleting'],
  ])('judges %s', (_name, object, status, reason) => {
    expect(createRuleJudge(full)(object)).toMatchObject({ status, reason });
  });

  it('tells the words of the object', () => {
    const conditions = [{ type: 'Disk', status: 'False', message: 'the disk is full' }];
    expect(createRuleJudge(full)(database({ phase: 'Broken', conditions })).message).toBe('the disk is full');
  });

  it('is current where only what has failed is told, and has not', () => {
    const judge = createRuleJudge(rule({ failed: 'has(status.error)' }));
    expect(judge(database({})).status).toBe('Current');
    expect(judge(database({ error: 'x' })).status).toBe('Failed');
  });

  it.each<[string, string, string]>([
    ['an error of evaluation', 'object.status.phase == "Up"', 'current: '],
    ['what is neither true nor false', '"yes"', 'current: gives string, expected bool'],
    ['a text that does not parse', 'object..x', 'current: is no valid CEL'],
  ])('is Unknown for %s', (_name, current, message) => {
    const judged = createRuleJudge(rule({ current }))(database());
    expect(judged).toMatchObject({ status: 'Unknown', reason: 'HealthRuleError' });
    expect(judged.message).toContain(message);
  });

  it('tells nothing of what a Secret holds', () => {
    const current = 'int(data.word) == 1';
    const secret = { ...database(), apiVersion: 'v1', kind: 'Secret', data: { word: 'aHVudGVyMg==' } };
    expect(createRuleJudge(rule({ current }))(secret).message).toBe('current: cannot be evaluated');
    const open = { ...secret, kind: 'ConfigMap' };
    expect(createRuleJudge(rule({ current }))(open).message).toContain('aHVudGVyMg==');
  });

  it('is Unknown for what takes too long', () => {
    const list = Array.from({ length: 200 }, (_none, at) => at);
    const current = 'status.l.all(a, status.l.all(b, status.l.all(c, a + b + c >= 0)))';
    const judged = createRuleJudge(rule({ current }))(database({ l: list }));
    expect(judged).toMatchObject({ status: 'Unknown', message: 'current: takes more than 100000 steps' });
  });
});

describe('findHealthRule', () => {
  it('prefers the very version, takes another of the group', () => {
    const newer = { ...full, apiVersion: 'example.com/v2' };
    const find = (apiVersion: string, kind = 'Database') =>
      findHealthRule([full, newer], { apiVersion, kind });
    expect(find('example.com/v2')).toBe(newer);
    expect(find('example.com/v3')).toBe(full);
    expect(find('example.org/v1')).toBeUndefined();
    expect(find('example.com/v1', 'Table')).toBeUndefined();
  });
});

describe('checkHealthExpression', () => {
  it('says what is wrong, and where', () => {
    expect(checkHealthExpression('object.status.phase == "Up"')).toBeUndefined();
    expect(checkHealthExpression('has(object.status) &&\n  objekt.x')).toBe(
      'line 1, column 1: unknown name objekt; known are data, metadata, object, spec, status',
    );
    expect(checkHealthExpression('has(object.status) &&\n  (x')).toBe('line 2, column 3: ( is never closed');
  });
});
