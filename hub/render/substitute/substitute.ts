/**
 * Cluster variables: `${NAME}` in rendered objects, for Applications that ask for it (`spec.substitute`). The forms and their meaning are those of Flux's
 * post-build substitution; scalar.ts says how types come about, variables.ts what can be named. An object without `${` is shared by all clusters, and
 * one with it by all clusters whose variables in it are the same. Secrets are filled in as well; `data` of theirs is base64 and has nothing to fill in.
 */
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import { describeKey, keyOf } from '../../../shared/manifest/object.ts';
import type { Problem } from '../../model/problem.ts';
import { problemOf } from '../render-error.ts';
import { checkObject, type Resource } from '../resource.ts';
import { evaluate } from './evaluate.ts';
import { rereadKey, rereadPlain } from './scalar.ts';
import { findSlots, type ObjectTemplate, type Path, type Slot } from './template.ts';
import type { Variables } from './variables.ts';

export interface SubstituteRequest {
  readonly variables: Variables;
  /** Unknown variables become empty text instead of a Problem. */
  readonly optional: boolean;
}

export type Substituted =
  | { readonly ok: true; readonly resources: readonly Resource[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface Substituter {
  /** Names of the variables that resources name, sorted: clusters with the same values of these get the same. */
  variablesIn(resources: readonly Resource[]): readonly string[];
  /** Every problem of every object, each naming its file, object and field. Never throws for what somebody wrote. */
  substitute(resources: readonly Resource[], request: SubstituteRequest): Substituted;
}

/** Filled-in forms of one object that are remembered. */
const formsMax = 256;

interface Known {
  readonly template: ObjectTemplate;
  readonly forms: Map<string, KubeObject>;
}

export function createSubstituter(): Substituter {
  const known = new WeakMap<KubeObject, Known | 'nothing'>();
  const knownOf = (object: KubeObject): Known | undefined => {
    let found = known.get(object);
    if (found === undefined) {
      const template = findSlots(object);
      found = template === undefined ? 'nothing' : { template, forms: new Map() };
      known.set(object, found);
    }
    return found === 'nothing' ? undefined : found;
  };

  const fill = (resource: Resource, request: SubstituteRequest, problems: Problem[]): Resource => {
    const found = knownOf(resource.object);
    if (found === undefined) return resource;
    const { template, forms } = found;
    const key = JSON.stringify([
      request.optional,
      ...[...template.variables].map((name) => request.variables.get(name) ?? null),
    ]);
    let object = forms.get(key);
    if (object === undefined) {
      const before = problems.length;
      object = fillObject(resource, template, request, problems);
      if (problems.length > before) return resource;
      if (forms.size >= formsMax) forms.clear();
      forms.set(key, object);
    }
    return { ...resource, object };
  };

  return {
    variablesIn: (resources) => {
      const names = new Set<string>();
      for (const { object } of resources)
        for (const name of knownOf(object)?.template.variables ?? []) names.add(name);
      return [...names].sort();
    },
    substitute: (resources, request) => {
      const problems: Problem[] = [];
      const filled = resources.map((resource) => fill(resource, request, problems));
      return problems.length > 0 ? { ok: false, problems } : { ok: true, resources: filled };
    },
  };
}

function fillObject(
  resource: Resource,
  { slots }: ObjectTemplate,
  request: SubstituteRequest,
  problems: Problem[],
): KubeObject {
  const { place } = resource;
  const about = describeKey(keyOf(resource.object));
  const refuse = (slot: Slot, message: string) =>
    problems.push({
      code: 'invalid_manifest',
      ...place,
      field: pathText(slot.path),
      message: `${about}: ${message}`,
    });
  if ('sops' in resource.object) {
    problems.push({
      code: 'unsupported',
      ...place,
      field: pathText(slots[0]?.path ?? []),
      message: `${about} is encrypted with SOPS and would no longer be as signed; take it out with the annotation fairway.dev/substitute: disabled`,
    });
    return resource.object;
  }
  let object = resource.object as unknown as Json;
  for (const slot of slots) {
    const value = fillSlot(slot, request);
    if (!value.ok) refuse(slot, value.message);
    else object = put(object, slot, slot.path, value.value);
  }
  try {
    return checkObject(object, place);
  } catch (caught) {
    const problem = problemOf(caught);
    if (problem === undefined) throw caught;
    problems.push({ ...problem, message: `${about}: after substitution: ${problem.message}` });
    return resource.object;
  }
}

type Filled = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly message: string };

function fillSlot(slot: Slot, { variables, optional }: SubstituteRequest): Filled {
  if (slot.failure !== undefined) return { ok: false, message: slot.failure };
  const result = evaluate(slot.parts, { valueOf: (name) => variables.get(name), optional });
  if (!result.ok) return { ok: false, message: result.message + hint(result.variable, variables) };
  if (!slot.plain) return { ok: true, value: result.text };
  const broken = { ok: false, message: 'is no valid YAML once its variables are filled in' } as const;
  if (slot.isKey) {
    const key = rereadKey(result.text);
    return key === undefined ? broken : { ok: true, value: key };
  }
  const read = rereadPlain(result.text, typeof slot.path.at(-1) === 'number' ? 'list' : 'mapping');
  return read.ok ? read : broken;
}

function hint(variable: string, variables: Variables): string {
  const dashed = [...variables.keys()].find((name) => name.replace(/[.-]/g, '_') === variable);
  const near = [...variables.keys()].find((name) => name.toLowerCase() === variable.toLowerCase());
  if (dashed !== undefined && dashed !== variable)
    return `; ${dashed} cannot be named here: use letters, digits and _ alone`;
  if (variable === '') return '';
  if (near !== undefined && near !== variable) return `; did you mean ${near}?`;
  return `; state it in the Cluster's variables, give a default as in \${${variable}:-default}, or set spec.substitute.optional`;
}

/** A copy with the value at the path, or with the path's last key renamed. */
function put(holder: Json, slot: Slot, path: Path, value: Json): Json {
  const [here, ...rest] = path;
  if (here === undefined) return value;
  if (typeof here === 'number') {
    const list = holder as readonly Json[];
    return list.map((item, index) => (index === here ? put(item, slot, rest, value) : item));
  }
  const entries = Object.entries(holder as JsonObject);
  const rename = slot.isKey && rest.length === 0;
  const changed = entries.map(([key, item]): readonly [string, Json] => {
    if (key !== here) return [key, item as Json];
    return rename ? [String(value), item as Json] : [key, put(item as Json, slot, rest, value)];
  });
  return Object.fromEntries(changed);
}

function pathText(path: Path): string {
  return path
    .map((part) =>
      typeof part === 'number' ? `[${part}]` : /^[\w-]+$/.test(part) ? `.${part}` : `[${part}]`,
    )
    .join('')
    .replace(/^\./, '');
}
