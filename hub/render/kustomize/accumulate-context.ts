import type { FileLoader } from '../file-loader.ts';
import type { ChartInflator } from '../helm/inflate.ts';
import type { RenderLimits } from '../limits.ts';
import type { Resource } from '../resource.ts';
import type { TraceLog } from '../trace/lineage.ts';
import type { Probes, TreeView } from '../tree-view.ts';
import type { LoadRestrictor } from './loader.ts';
import type { SchemaChoice } from './schema-choice.ts';
import type { TransformerConfig } from './transformer-config.ts';
import { noVars, type VarSet } from './vars.ts';

/** A base, as another folder's build gives it. */
export interface Base {
  readonly folder: string;
  readonly kind: 'plain' | 'kustomize';
  readonly resources: readonly Resource[];
  readonly config: TransformerConfig;
  readonly vars: VarSet;
  /** The schema that is in force after it. */
  readonly schema: SchemaChoice;
  /** Folders of all bases and components below. */
  readonly roots: ReadonlySet<string>;
}

export interface AccumulateContext<B extends Base> {
  readonly view: TreeView;
  readonly files: FileLoader;
  readonly limits: RenderLimits;
  readonly probes: Probes;
  /** Bases that were used, by folder. */
  readonly bases: Map<string, B>;
  /** Folders of bases and components, for finding circles. */
  readonly roots: Set<string>;
  buildBase(folder: string, way: readonly string[], mode: BuildMode): Promise<B>;
  /** The schema in force: the first that any kustomization names, for all that comes after. */
  schema: SchemaChoice;
  /** The folder from which origins are told; undefined: they are not. */
  readonly traceFrom: string | undefined;
  /** Undefined: no object's lineage is remembered. */
  readonly traced?: TraceLog | undefined;
  /** Undefined: `helmCharts` are refused. */
  readonly charts: ChartInflator | undefined;
  /** Of the overlays that lead here, for charts that name none; empty: there is none; undefined: not known. */
  readonly helmNamespace?: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Default: files are read in and below a kustomization's own folder. */
  readonly loadRestrictor?: LoadRestrictor | undefined;
}

/** What a built folder depends on besides what it reads. */
export type BuildMode = Pick<AccumulateContext<Base>, 'schema' | 'traceFrom' | 'helmNamespace'>;

/** What a layer has so far, and hands on. */
export interface Accumulated {
  readonly resources: readonly Resource[];
  /** Undefined: no layer was read yet. */
  readonly config: TransformerConfig | undefined;
  readonly vars: VarSet;
}

export const nothingYet: Accumulated = { resources: [], config: undefined, vars: noVars };
