import { describeKey } from '../../shared/manifest/object.ts';
import { listNames } from '../../shared/text/list-names.ts';
import { plain } from '../../shared/text/plain.ts';
import { plural } from '../../shared/text/plural.ts';
import { describeProblem } from '../model/problem.ts';
import type {
  ChangeVariant,
  ClusterList,
  DiffReport,
  DiffSide,
  FieldReport,
  ProblemReport,
} from './report.ts';

/** A line of a difference: its sign, and what follows. `#` says where, `!` is a remark, `@` stands for lines that are left out. */
export interface SignedLine {
  readonly sign: '#' | ' ' | '+' | '-' | '@' | '!';
  readonly text: string;
}

/** One field as lines: where it is, then what it was and is. */
export function fieldLines(field: FieldReport): readonly SignedLine[] {
  const path = plain(field.path === '' ? '/' : field.path);
  const { change, before, after, masked, lines } = field;
  if (masked) return [{ sign: '!', text: `${path}: ${change}, the value is masked` }];
  const head: SignedLine = { sign: '#', text: change === 'reordered' ? `${path}: another order` : path };
  if (lines.length > 0)
    return [
      head,
      ...lines.map((line) => ({ sign: line.slice(0, 1) as SignedLine['sign'], text: plain(line.slice(1)) })),
    ];
  return [
    head,
    ...(before === null ? [] : [{ sign: '-' as const, text: plain(before) }]),
    ...(after === null ? [] : [{ sign: '+' as const, text: plain(after) }]),
  ];
}

const namesShown = 6;

/** `eu-1`, `eu-1, eu-2`, `412 clusters: eu-1, eu-2 and 410 more`. */
export function clustersText({ count, names }: ClusterList): string {
  if (count <= 3 && names.length === count) return names.map(plain).join(', ');
  return `${plural(count, 'cluster')}: ${listNames(names.map(plain), namesShown, count)}`;
}

/** `Deployment shop/web`, with the name it had where that was another. */
export function nameText({ key, keyBefore }: Pick<ChangeVariant, 'key' | 'keyBefore'>): string {
  const name = plain(describeKey(key));
  if (keyBefore === null) return name;
  const sameNamespace = keyBefore.namespace === key.namespace;
  return `${name} (was ${plain(sameNamespace ? keyBefore.name : describeKey(keyBefore))})`;
}

/** The name is told with the object already. */
export function shownFields(variant: ChangeVariant): readonly FieldReport[] {
  const renamed = variant.keyBefore !== null;
  return variant.fields.filter(({ path }) => !(renamed && path === '/metadata/name'));
}

/** `same 2 fields in 412 clusters: ...`, `other 1 field in eu-west-1a`. */
export function variantText(
  variant: Pick<ChangeVariant, 'clusters' | 'fieldsOmitted'>,
  fields: number,
  position: number,
): string {
  const what =
    fields + variant.fieldsOmitted === 0
      ? 'nothing but its name'
      : plural(fields + variant.fieldsOmitted, 'field');
  const word = position > 0 ? 'other ' : variant.clusters.count > 1 ? 'same ' : '';
  return `${word}${what} in ${clustersText(variant.clusters)}`;
}

export function sideText({ name, commit }: DiffSide): string {
  const shown = plain(name);
  return commit === null || commit.startsWith(name) ? shown : `${shown} (${commit.slice(0, 7)})`;
}

/** `1 application differs in 3 clusters; objects: 3 changed, 1 added, 2 removed`. */
export function summaryText({ summary, differs }: DiffReport): string {
  if (!differs) return 'no difference';
  const { applications, clusters, added, removed, changed } = summary;
  if (applications === 0) return 'nothing differs in what could be rendered';
  const objects = [
    ...(changed > 0 ? [`${changed} changed`] : []),
    ...(added > 0 ? [`${added} added`] : []),
    ...(removed > 0 ? [`${removed} removed`] : []),
  ];
  const verb = applications === 1 ? 'differs' : 'differ';
  const tail = objects.length === 0 ? 'no objects, but settings' : `objects: ${objects.join(', ')}`;
  return `${plural(applications, 'application')} ${verb} in ${plural(clusters, 'cluster')}; ${tail}`;
}

export function problemText({ side, application, clusters, problem }: ProblemReport): string {
  const where = { from: 'before', to: 'after', both: 'before and after' }[side];
  const places = clusters.count === 0 ? '' : ` in ${clustersText(clusters)}`;
  const place = application === '' ? '' : `${plain(application)}${places}: `;
  return `${where}: ${place}${plain(describeProblem(problem))}`;
}
