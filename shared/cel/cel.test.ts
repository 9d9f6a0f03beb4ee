import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../manifest/object.ts';
import { truthOf } from './cel.ts';
import { compileCel } from './compile.ts';

const object: JsonObject = {
  metadata: { name: 'web', generation: 3, labels: { app: 'web', tier: 'front' } },
  spec: { replicas: 3, ratio: 0.5, ports: ['80', '443'] },
  status: {
    replicas: 2,
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Synced', status: 'False' },
    ],
  },
};

function evaluate(text: string, bindings: JsonObject = { object }, stepsMax?: number) {
  const made = compileCel(text, { variables: ['object'], ...(stepsMax && { stepsMax }) });
  if (!made.ok) throw new Error(made.problem.message);
  return made.program.evaluate(bindings);
}
function problemOf(text: string) {
  const made = compileCel(text, { variables: ['object'] });
  return made.ok ? undefined : made.problem;
}

describe('compileCel', () => {
  it.each<[string, unknown]>([
    ['object.spec.replicas == 3', true],
    ['object.spec.replicas + 1 == 4', true],
    ['object.spec.replicas / 2', 1n],
    ['object.spec.ratio * 2.0', 1],
    ['object.status.conditions.exists(c, c.type == "Ready" && c.status == "True")', true],
    ['object.status.conditions.all(c, c.status == "True")', false],
    ['object.status.conditions.exists_one(c, c.status == "True")', true],
    ['object.status.conditions.filter(c, c.status == "True").size()', 1n],
    ['object.status.conditions.map(c, c.type) == ["Ready", "Synced"]', true],
    ['size(object.metadata.labels)', 2n],
    ['object.metadata.labels.all(key, key.matches("^[a-z]+$"))', true],
    ['"tier" in object.metadata.labels', true],
    ['has(object.status.phase)', false],
    ['has(object.status.phase) && object.status.phase == "Running"', false],
    ['has(object.status.phase) ? object.status.phase : "none"', 'none'],
    ['object.metadata.name.startsWith("w") && object.metadata.name.endsWith("b")', true],
    ['int(object.spec.ports[1]) > 400', true],
    ['string(object.spec.replicas) + "!"', '3!'],
    ['double(object.spec.replicas) > 2.5', true],
    ['type(object.spec.replicas) == int', true],
    ['duration("90s") > duration("1m")', true],
    ['timestamp("2026-01-02T00:00:00Z") - timestamp("2026-01-01T00:00:00Z") == duration("24h")', true],
    ['"a,b".split(",")[1].upperAscii()', 'B'],
    ['object.metadata["name"]', 'web'],
    ['1 in [1, 2] || object.nothing', true],
    ['{"a": 1}.a', 1n],
  ])('evaluates %s', (text, value) => {
    expect(evaluate(text)).toMatchObject({ ok: true, value });
  });

  it.each<[string, string]>([
    ['object.nothing.at.all', 'nothing'],
    ['object.spec.replicas + "1"', 'overload'],
    ['1 / 0', 'divide by zero'],
    ['object.spec.ports[7]', ''],
    ['"x".matches("(")', ''],
  ])('tells of %s, and does not throw', (text, words) => {
    const outcome = evaluate(text);
    expect(outcome.ok).toBe(false);
    expect(outcome).toHaveProperty('message', expect.stringContaining(words));
  });

  it.each<[string, string, number, number]>([
    ['', 'is empty', 1, 1],
    ['object.a = 1', '= is no operator: compare with ==', 1, 10],
    ['object.l.all(x,\n  x > 0', '( is never closed', 1, 13],
    ['object.a)', ') closes nothing', 1, 9],
    ['object.?a', 'optional access (.?) is not supported: ask with has()', 1, 7],
    ['objekt.a == 1', 'unknown name objekt; known are object', 1, 1],
    ['lower(object.a)', 'unknown function lower', 1, 1],
    ['object.a.startsWith("x", "y")', 'startsWith is not called like this: with 2 arguments', 1, 1],
    ['[object.a]', 'gives no single value', 1, 1],
    [`"${'x'.repeat(5_000)}" == ""`, 'is longer than 4096 characters', 1, 1],
  ])('refuses %j', (text, message, line, column) => {
    expect(problemOf(text)).toEqual({ message, line, column });
  });

  it('refuses what is nested too deeply', () => {
    expect(problemOf(`${'('.repeat(2_000)}1${')'.repeat(2_000)}`)?.message ?? 'is evaluated').toMatch(
      /nested|evaluated/,
    );
  });

  it.each<[string]>([
    // 100 ^ 6 turns.
    ['L.all(a, L.all(b, L.all(c, L.all(d, L.all(e, L.all(f, a + b + c + d + e + f >= 0))))))'],
    // Twice as long with each step.
    [`["x"]${'.map(x, x + x + x + x)'.repeat(40)}.size() > 0`],
    [`[[1]]${'.map(x, x + x + x + x)'.repeat(40)}.size() > 0`],
    // Errors that || and exists would swallow.
    ['L.exists(a, L.exists(b, L.exists(c, L.exists(d, L.exists(e, L.exists(f, a > 100)))))) || true'],
    ['L.all(a, L.all(b, L.all(c, L.all(d, L == L && (a + b) < 0 || true))))'],
  ])('ends %s after the steps it may take', (text) => {
    const list = `[${Array.from({ length: 100 }, (_none, at) => at).join(',')}]`;
    const made = compileCel(text.includes('L') ? text.replaceAll(/\bL\b/g, 'object') : text, {
      variables: ['object'],
      stepsMax: 20_000,
    });
    expect(made.ok).toBe(true);
    const outcome = made.ok && made.program.evaluate({ object: JSON.parse(list) as JsonObject });
    expect(outcome).toEqual({ ok: false, message: 'takes more than 20000 steps' });
  });

  it('asks for the truth', () => {
    expect(truthOf(evaluate('1 == 1'))).toEqual({ ok: true, value: true });
    expect(truthOf(evaluate('object.spec.replicas'))).toEqual({
      ok: false,
      message: 'gives int, expected bool',
    });
  });

  it('knows nothing of a variable that is left out', () => {
    expect(evaluate('has(object.spec)', {})).toMatchObject({ ok: true, value: false });
    expect(evaluate('object.spec == 1', {}).ok).toBe(false);
  });
});
