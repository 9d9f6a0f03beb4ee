import { isJsonObject, type Json, type JsonObject } from '../../shared/manifest/object.ts';

/** The label names nodes, each with a value of its own: nobody says which. */
const anyValue = '*';

function listOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter((one) => isJsonObject(one)) : [];
}

/**
 * Whether a node takes a pod: its labels fit the node selector and one of the terms of the required node affinity, and the pod bears its taints. By what agents tell of both. Pure.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/, https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
 */
export function mayRun(pod: JsonObject, node: JsonObject): boolean {
  const labels = isJsonObject(node['labels']) ? node['labels'] : {};
  const selector = isJsonObject(pod['selector']) ? pod['selector'] : {};
  const terms = listOf(pod['affinity']);
  const tolerations = listOf(pod['tolerations']);
  return (
    Object.entries(selector).every(([name, value]) => labels[name] === value || labels[name] === anyValue) &&
    (terms.length === 0 || terms.some((term) => fitsTerm(term, labels))) &&
    listOf(node['taints']).every((taint) => tolerations.some((one) => bears(one, taint)))
  );
}

/** A term without expressions fits nothing; one by fields, such as the name of a node, names a node of the other cluster. */
function fitsTerm(term: JsonObject, labels: JsonObject): boolean {
  const expressions = listOf(term['matchExpressions']);
  if (listOf(term['matchFields']).length > 0 || expressions.length === 0) return false;
  return expressions.every((one) => fitsExpression(one, labels));
}

function fitsExpression({ key, operator, values }: JsonObject, labels: JsonObject): boolean {
  const name = String(key);
  const value = Object.hasOwn(labels, name) ? String(labels[name]) : undefined;
  const listed = Array.isArray(values) ? (values as readonly Json[]).map(String) : [];
  if (value === anyValue) return operator !== 'DoesNotExist';
  switch (operator) {
    case 'In':
      return value !== undefined && listed.includes(value);
    case 'NotIn':
      return value === undefined || !listed.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return Number(value) > Number(listed[0]);
    case 'Lt':
      return Number(value) < Number(listed[0]);
    default:
      return false;
  }
}

/** No effect bears all effects; no key, with `Exists`, all taints. */
function bears({ key, operator, value, effect }: JsonObject, taint: JsonObject): boolean {
  if (effect !== undefined && effect !== '' && effect !== taint['effect']) return false;
  const any = key === undefined || key === '';
  if (operator === 'Exists') return any || key === taint['key'];
  return !any && key === taint['key'] && String(value ?? '') === String(taint['value'] ?? '');
}
