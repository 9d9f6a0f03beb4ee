/**
 * Why a rendered object is as it is: where it was first read, and each step that changed it since, from the base up. Handed on by the renderer's
 * traced mode; said to people by hub/explain. Paths are read and printed by trace-path.ts and found by trace-resolve.ts; changes are applied, and told of one field, by trace-chain.ts.
 *
 * Values are JSON, but that whole numbers beyond 2^53 - 1 are bigints: write them with shared/manifest/exact-json.ts.
 */
import type { Json, KubeObject, ObjectKey } from '../../shared/manifest/object.ts';

/** Which object. What is not given may be anything. */
export interface ObjectSelector {
  /** `Deployment`; upper and lower case do not count, nor do the plural and kubectl's short names (`deploy`). */
  readonly kind: string;
  /** As rendered, or as first read: `settings` also finds `eu-settings-7h2c9m`. */
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly group?: string | undefined;
  /** `apps/v1`. */
  readonly apiVersion?: string | undefined;
}

/** A list's item: by its merge keys (`[name=web]`, `[containerPort=80,protocol=TCP]`), or by its own value in a list of scalars that merges (`[=value]`, the key is empty). */
export interface ItemPart {
  readonly item: Readonly<Record<string, string>>;
}

/** A mapping's key, a list's index, or an item by what it holds. */
export type FieldPart = string | number | ItemPart;

/** From the object's top; empty: the whole object. */
export type FieldPath = readonly FieldPart[];

/** A line that somebody wrote. */
export interface Written {
  /**
   * What `file` belongs to: the repository that is rendered; a remote base, which `file` names with its URL; a chart of a chart repository, with whose name and version `file` begins; the Cluster's or Application's resource in the fleet
   * repository; nothing that was written (an own rule of kustomize or Helm, such as a hash).
   */
  readonly source: 'repository' | 'remote' | 'chart' | 'cluster' | 'application' | 'none';
  /** Path within that; empty where unknown. */
  readonly file: string;
  /** 1-based; 0 where unknown. */
  readonly line: number;
  /** Where a line alone does not say it: `spec.variables.REGION` of a Cluster, `key b of c.env`. Empty: the line says it. */
  readonly field: string;
  /** Git object id of the file, where it is one of the rendered repository and known. */
  readonly oid?: string | undefined;
  /**
   * `value`: the line holds the value, or the key of it. `part`: it holds a part of what the value was made from (an image's tag, a prefix, a literal that
   * was encoded). `cause`: it only says what was done (a namePrefix for a reference that follows it).
   */
  readonly holds: 'value' | 'part' | 'cause';
  /** The line of a chart's template that put the value in. */
  readonly through?: Written | undefined;
}

/** Where one field of a larger value is written. */
export interface WrittenField {
  /** From the object's top. */
  readonly path: FieldPath;
  readonly at: Written;
}

/** What kind of thing made or changed an object. */
export type TraceKind =
  | 'resource'
  | 'generator'
  | 'chart'
  | 'patch'
  | 'transformer'
  | 'replacement'
  | 'reference'
  | 'variable'
  | 'hash'
  | 'metadata';

/** What makes steps of one configuration entry recognisable. */
export interface TraceAction {
  readonly kind: TraceKind;
  /**
   * In kustomize's own words, spelled as the field that says it: `resources[0]`, `configMapGenerator[0]`, `patches[1]`, `patches[1] document 2`, `patches[0] operation 3`, `namePrefix`,
   * `images[0]`, `transformers[0] PrefixTransformer`, `nameReference`, `hash`, `vars`, `buildMetadata`, `helmCharts[0]`, `helm`, `substitute`, `folder` (plain YAML).
   */
  readonly action: string;
  /** Folder of the kustomization that says so; empty: the top of the repository. */
  readonly layer: string;
  /** Of the entry in the kustomization (or the plugin's own file). */
  readonly configuredAt: Written;
}

/** Identity with its version. */
export interface TracedIdentity extends ObjectKey {
  readonly apiVersion: string;
}

/**
 * One change of one field. Mappings and lists that the change makes on its way are made silently: `metadata.labels.a` also makes `labels`. Absent `before`: it was not
 * there; absent `after`: it is gone; both: it only moved to `index`.
 */
export interface FieldChange {
  readonly path: FieldPath;
  readonly before?: Json;
  readonly after?: Json;
  /** Of a list's item that came or moved: where in the list it stands from then on. */
  readonly index?: number | undefined;
  /** Where what made the change is written; the value itself wherever that can be known. */
  readonly at: Written;
  /** Where the fields of an `after` that is a mapping or list are written, those that stand elsewhere than `at`. */
  readonly written?: readonly WrittenField[] | undefined;
  /** Where the value was taken from, for replacements, vars and references. */
  readonly from?: ValueSource | undefined;
}

export interface ValueSource {
  readonly object: TracedIdentity;
  /** `data.host`. */
  readonly field: string;
  /** The value was a Secret's: mask it. */
  readonly secret: boolean;
}

export interface TraceStep extends TraceAction {
  readonly identityBefore: TracedIdentity;
  readonly identityAfter: TracedIdentity;
  /** In the order in which they are to be applied; never empty. */
  readonly changes: readonly FieldChange[];
}

/** The object as first read or generated. */
export interface TraceStart extends TraceAction {
  readonly object: KubeObject;
  /** The document's first line, or the generator. */
  readonly at: Written;
  /** Where each scalar and each empty mapping or list of the object is written. */
  readonly written: readonly WrittenField[];
}

export interface ObjectTrace {
  /** As rendered. */
  readonly identity: TracedIdentity;
  /** keyText of the identity as first read or generated. */
  readonly originId: string;
  /** Folders from the top to where the object comes from: `overlays/eu`, `base`. */
  readonly way: readonly string[];
  readonly start: TraceStart;
  readonly steps: readonly TraceStep[];
  /** Equal to `start.object` with all changes applied, and to what rendering gives. */
  readonly final: KubeObject;
  /** It is or was a Secret: mask `data` and `stringData` everywhere, in steps, too. */
  readonly secret: boolean;
  /** Keys by which lists merge, by path with `[]` for items: `spec.template.spec.containers` to `name`; none: a list of scalars that merges. */
  readonly mergeKeys: Readonly<Record<string, readonly string[]>>;
}
