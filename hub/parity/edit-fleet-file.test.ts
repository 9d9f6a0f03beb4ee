import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { editFleetFile, type FieldEdit } from './edit-fleet-file.ts';

const role = (set: string): readonly FieldEdit[] => [{ path: ['spec', 'role'], set }];
const edit = (text: string, name: string, edits: readonly FieldEdit[], kind = 'Cluster') =>
  editFleetFile(text, { file: 'fleet/a.yaml', kind, name, edits });
const cluster = (name: string, spec: string) => `kind: Cluster\nmetadata: { name: ${name} }\n${spec}`;

describe('editFleetFile', () => {
  it('changes the value alone, of the named resource alone', () => {
    const text = `# top\n${cluster('a', 'spec:\n  role: primary # serves\n')}---\n${cluster('b', 'spec: { role: primary }\n')}`;
    expect(edit(text, 'b', role('standby'))).toBe(text.replace('{ role: primary }', '{ role: standby }'));
    expect(edit(text, 'a', role('none'))).toBe(text.replace('primary # serves', 'none # serves'));
    expect(edit(text, 'a', role('primary'))).toBe(text);
  });

  it('adds what is not there, in the style of its map', () => {
    expect(edit(cluster('a', 'spec: { region: x }\n'), 'a', role('primary'))).toBe(
      cluster('a', 'spec: { role: primary, region: x }\n'),
    );
    expect(edit(cluster('a', 'spec: {}\n'), 'a', role('primary'))).toBe(
      cluster('a', 'spec: { role: primary }\n'),
    );
    expect(edit(cluster('a', 'spec:\n  # where\n  region: x\n'), 'a', role('primary'))).toBe(
      cluster('a', 'spec:\n  # where\n  role: primary\n  region: x\n'),
    );
    expect(edit(cluster('a', ''), 'a', role('primary'))).toBe(cluster('a', 'spec: { role: primary }\n'));
    expect(edit(`${cluster('a', '')}# end\n`, 'a', role('primary'))).toContain('\nspec: { role: primary }\n');
  });

  it('replaces an item of a list in either style, and adds one to a list that lacks it', () => {
    const item = [{ path: ['spec', 'clusters'], item: 'b', by: 'a' }];
    const group = (spec: string) => `kind: ParityGroup\nmetadata: { name: g }\n${spec}`;
    const by = (spec: string) => edit(group(spec), 'g', item, 'ParityGroup');
    expect(by('spec: { clusters: [b, c] }\n')).toBe(group('spec: { clusters: [a, c] }\n'));
    expect(by('spec:\n  clusters:\n    - c # x\n    - b # y\n')).toBe(
      group('spec:\n  clusters:\n    - c # x\n    - a # y\n'),
    );
    expect(by('spec: { clusters: [] }\n')).toBe(group('spec: { clusters: [a] }\n'));
    expect(by('spec: { region: x }\n')).toBe(group('spec: { clusters: [a], region: x }\n'));
  });

  it('refuses what it cannot edit by its place, and what is not there', () => {
    const anchored = cluster('a', 'spec: { role: &r primary }\n');
    expect(() => edit(anchored, 'a', role('none'))).toThrow('fleet/a.yaml: Cluster a: spec.role');
    expect(() => edit(cluster('a', ''), 'b', role('none'))).toThrow('there is no Cluster b in it any more');
  });

  it('overrules nobody who has changed a value that is to be another', () => {
    const text = cluster('a', 'spec: { role: none }\n');
    const was = [{ path: ['spec', 'role'], set: 'standby', was: ['primary'] }];
    expect(() => edit(text, 'a', was)).toThrow('spec.role is none by now, no longer primary');
    expect(edit(text.replace('none', 'standby'), 'a', was)).toContain('role: standby');
    expect(edit(text.replace('none', 'primary'), 'a', was)).toContain('role: standby');
  });

  it('leaves every other line as it was, and there and back is the same text', () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/);
    const spec = fc.record({ region: word, role: fc.constantFrom('primary', 'standby'), note: word });
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 5 }), fc.boolean(), (all, flow) => {
        const text = all
          .map(({ region, role: has, note }, index) =>
            cluster(
              `c${index}`,
              flow
                ? `spec: { region: ${region}, role: ${has} } # ${note}\n`
                : `spec:\n  region: ${region}\n  role: ${has} # ${note}\n`,
            ),
          )
          .join('---\n');
        const changed = edit(text, 'c0', role('none'));
        const lines = (one: string) => one.split('\n');
        const differing = lines(changed).filter((line, index) => line !== lines(text)[index]);
        expect(differing).toHaveLength(1);
        const documents = parseAllDocuments(changed);
        expect(documents.map((one) => ('getIn' in one ? one.getIn(['spec', 'role']) : ''))).toEqual([
          'none',
          ...all.slice(1).map((one) => one.role),
        ]);
        expect(edit(changed, 'c0', role(all[0]!.role))).toBe(text);
      }),
    );
  });
});
