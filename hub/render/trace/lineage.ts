/**
 * Where each object comes from, remembered while it is built. Resources are immutable, so whoever made or changed them in a step is told the list afterwards, and
 * an object that is another than before was changed by that step. What is remembered are references: nothing is compared, and no line is looked for, until
 * one object's trace is asked for (make-trace.ts). Builds that are not traced have no tracer and no lineage.
 */
import type { Json, KubeObject } from '../../../shared/manifest/object.ts';
import type { FieldPath, TraceKind, ValueSource, Written } from '../../model/trace.ts';
import type { Resource } from '../resource.ts';

/** Keys of mappings and indices of lists, as they are written. */
export type WrittenPath = readonly (string | number)[];

/** A text that holds YAML or JSON: a file of the tree, or the scalar at a spot of another text. */
export type TextSource =
  | { readonly path: string }
  /** `trimmed`: white space around it was taken away before it was read. */
  | { readonly within: Spot; readonly trimmed: boolean };

/** One value in a text. */
export interface Spot {
  readonly text: TextSource;
  /** Index among the text's documents, those with nothing in them apart. */
  readonly document: number;
  readonly path: WrittenPath;
}

/** A place further down in the same text. */
export function spotBelow(spot: Spot, ...path: WrittenPath): Spot {
  return { ...spot, path: [...spot.path, ...path] };
}

/** A difference of one field, before it is known where it is written. */
export interface RawChange {
  readonly path: FieldPath;
  readonly before?: Json;
  readonly after?: Json;
  readonly index?: number;
}

/** Where a value is written, as far as the step knows. */
export type Origin =
  | { readonly spot: Spot; readonly holds: Written['holds']; readonly through?: Written }
  | { readonly written: Written }
  /** The line of a key in one of the files of `key=value` lines. */
  | { readonly envFiles: readonly string[]; readonly key: string; readonly holds: Written['holds'] }
  /** Where that field of another object was last written. */
  | {
      readonly lineage: Lineage | undefined;
      /** Items by their index. */
      readonly path: FieldPath;
      readonly holds: Written['holds'];
      readonly from?: ValueSource;
      /** Where that object's is not known. */
      readonly otherwise: Spot | Written;
      readonly through?: Written;
    };

/** Undefined: the step's own entry is the nearest that is known. */
export type FindOrigin = (change: RawChange) => Origin | undefined;

/** A part of a step that has a line of its own, such as one operation of a JSON patch. */
export interface Part {
  /** Added to the step's action: `operation 2`. */
  readonly name: string;
  readonly object: KubeObject;
  readonly find: FindOrigin;
}

/** Who made or changed an object. */
export interface Agent {
  readonly kind: TraceKind;
  readonly action: string;
  readonly layer: string;
  /** Of the entry that says so; a line that is no spot of a text where there is none. */
  readonly configuredAt: Spot | Written;
  readonly find: FindOrigin;
  /** Of what a chart made: its beginning, told layer of values by layer. Asked for when its history is. */
  readonly story?: ((begin: Lineage) => Promise<Lineage>) | undefined;
  /** What the step did one after another. Together they make what the step made, but for what the step did to the whole. */
  readonly split?: ((before: KubeObject) => readonly Part[]) | undefined;
}

export interface Lineage {
  readonly object: KubeObject;
  /** Undefined: the object was read or generated here. */
  readonly earlier: Lineage | undefined;
  readonly agent: Agent;
  /** Where the object as a whole begins; of a beginning only. */
  readonly at?: Spot | Written | undefined;
  /** Folders above that of `agent`, from the top; of a beginning, its own folder as well. */
  readonly folders: readonly string[];
}

/** What a traced build notes beside lineages. */
export interface TraceLog {
  /** Objects that a patch has taken away, in that order. */
  readonly removals: Removal[];
}

export interface Removal {
  /** As it was before. */
  readonly resource: Resource;
  readonly agent: Agent;
  readonly at: Spot;
}

/** The resource at the beginning of its lineage. */
export function beginLineage(
  resource: Resource,
  agent: Agent,
  at: Spot | Written,
  folders: readonly string[],
): Resource {
  return { ...resource, lineage: { object: resource.object, earlier: undefined, agent, at, folders } };
}

/** Adds a step to the lineage of each resource whose object is another than before. */
export function continueLineage(resources: readonly Resource[], agent: Agent): readonly Resource[] {
  return resources.map((resource) => {
    const { lineage, object } = resource;
    if (lineage === undefined || lineage.object === object) return resource;
    return { ...resource, lineage: { object, earlier: lineage, agent, folders: lineage.folders } };
  });
}

/** Says that a folder took the resources in. */
export function enterFolders(
  resources: readonly Resource[],
  folders: readonly string[],
): readonly Resource[] {
  return resources.map((resource) =>
    resource.lineage === undefined
      ? resource
      : { ...resource, lineage: { ...resource.lineage, folders: [...folders, ...resource.lineage.folders] } },
  );
}

/** Those of the resources that are not among what became of them. */
export function goneFrom(before: readonly Resource[], after: readonly Resource[]): readonly Resource[] {
  if (after.length === before.length) return [];
  const there = new Set<Lineage>();
  for (const { lineage } of after)
    for (let event = lineage; event !== undefined; event = event.earlier) there.add(event);
  return before.filter(({ lineage }) => lineage !== undefined && !there.has(lineage));
}

/** From the beginning on. */
export function eventsOf(lineage: Lineage): readonly Lineage[] {
  const events: Lineage[] = [];
  for (let event: Lineage | undefined = lineage; event !== undefined; event = event.earlier)
    events.push(event);
  return events.reverse();
}
