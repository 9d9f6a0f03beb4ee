/** Label and field selectors of list and watch requests. */
import { at, textAt } from '../kinds/access.ts';
import { isObject, type Json } from '../schema/types.ts';
import { badRequest } from '../status.ts';

export type Filter = (object: Json) => boolean;

const SET = /^([^\s!=()]+)\s+(in|notin)\s*\(([^()]*)\)$/;

/** Splits at commas outside parentheses. */
function requirements(selector: string): string[] {
  return selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function labelTest(requirement: string): (labels: { readonly [key: string]: Json }) => boolean {
  const set = SET.exec(requirement);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (labels) => {
      const value = labels[key];
      const within = value !== undefined && values.includes(String(value));
      return operator === 'in' ? within : !within;
    };
  }
  const equal = /^([^\s!=]+)\s*(==|=|!=)\s*([^\s=]*)$/.exec(requirement);
  if (equal) {
    const [, key = '', operator, wanted = ''] = equal;
    return (labels) => (operator === '!=' ? labels[key] !== wanted : labels[key] === wanted);
  }
  const exists = /^(!?)\s*([^\s!=()]+)$/.exec(requirement);
  if (!exists) throw badRequest(`unable to parse requirement: ${requirement}`);
  const [, not, key = ''] = exists;
  return (labels) => (not ? labels[key] === undefined : labels[key] !== undefined);
}

function fieldTest(requirement: string): Filter {
  const match = /^([^!=]+)(==|=|!=)(.*)$/.exec(requirement);
  const [, field = '', operator, wanted = ''] = match ?? [];
  if (field !== 'metadata.name' && field !== 'metadata.namespace' && !OTHER_FIELDS.includes(field))
    throw badRequest(`field label not supported: ${field || requirement}`);
  return (object) => (textAt(object, ...field.split('.')) === wanted) === (operator !== '!=');
}

/** Of events, Secrets and pods. */
const OTHER_FIELDS = [
  'status.phase',
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'reason',
  'type',
];

/** What passes both selectors; undefined when there is none. Throws a 400 for what cannot be read. */
export function filterOf(labelSelector: string, fieldSelector: string): Filter | undefined {
  const labels = requirements(labelSelector).map(labelTest);
  const fields = requirements(fieldSelector).map(fieldTest);
  if (labels.length === 0 && fields.length === 0) return undefined;
  return (object) => {
    const have = at(object, 'metadata', 'labels');
    const map = isObject(have) ? have : {};
    return labels.every((test) => test(map)) && fields.every((test) => test(object));
  };
}
