/** Label selectors in their text form: `a=b,c!=d,e in (f,g),h notin (i),j,!k` (apimachinery pkg/labels). */

/** The selector is not well formed. */
export class SelectorError extends Error {}

type Labels = ReadonlyMap<string, string>;

/** @throws SelectorError. */
export function parseLabelSelector(text: string): (labels: Labels) => boolean {
  if (text.trim() === '') return () => true;
  const requirements = splitRequirements(text).map(parseRequirement);
  return (labels) => requirements.every((matches) => matches(labels));
}

/** Splits at commas that are not within parentheses. */
function splitRequirements(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const [index, character] of [...text].entries()) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character !== ',' || depth > 0) continue;
    parts.push([...text].slice(start, index).join(''));
    start = index + 1;
  }
  parts.push([...text].slice(start).join(''));
  return parts;
}

const keyText = '[A-Za-z0-9](?:[A-Za-z0-9_./-]*[A-Za-z0-9])?';
const valueText = '(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)?';
const exists = new RegExp(`^(!?)\\s*(${keyText})$`);
const compares = new RegExp(`^(${keyText})\\s*(==|=|!=)\\s*(${valueText})$`);
const inSet = new RegExp(`^(${keyText})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const order = new RegExp(`^(${keyText})\\s*([<>])\\s*([+-]?\\d+)$`);

function parseRequirement(part: string): (labels: Labels) => boolean {
  const text = part.trim();
  const [, not, present = ''] = exists.exec(text) ?? [];
  if (not !== undefined) return (labels) => labels.has(present) === (not === '');
  const [, key, operator, value = ''] = compares.exec(text) ?? [];
  if (key !== undefined)
    return operator === '!=' ? (labels) => labels.get(key) !== value : (labels) => labels.get(key) === value;
  const [, setKey, setOperator, list = ''] = inSet.exec(text) ?? [];
  if (setKey !== undefined) {
    const values = new Set(list.split(',').map((one) => one.trim()));
    return (labels) => {
      const found = labels.get(setKey);
      const inside = found !== undefined && values.has(found);
      return setOperator === 'in' ? inside : !inside;
    };
  }
  const [, numberKey, comparison, limit = ''] = order.exec(text) ?? [];
  if (numberKey === undefined) throw new SelectorError(`${JSON.stringify(text)} is no label selector`);
  return (labels) => {
    const found = labels.get(numberKey);
    if (found === undefined || !/^[+-]?\d+$/.test(found)) return false;
    return comparison === '>' ? Number(found) > Number(limit) : Number(found) < Number(limit);
  };
}
