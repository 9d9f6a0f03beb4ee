/**
 * Explain: why a field of a rendered object has its value, and who wrote the lines that say so.
 *
 * The renderer tells what it did (model/trace.ts), the source who last wrote a line (model/blame.ts); explain-object.ts makes an Explanation of both, and
 * render-text.ts says it to people. All pure. An Explanation is the same for people, the API and machines: bounded, and no value of a Secret is in it, neither
 * where the Secret has it nor where it was copied to.
 */
import type { Written } from '../model/trace.ts';

/** The commit that last wrote a line. */
export interface LineCommit {
  /** 40 hex digits. */
  readonly sha: string;
  readonly author: string;
  readonly email: string;
  /** When it was written, RFC 3339. */
  readonly time: string;
  /** First line of the message. */
  readonly subject: string;
  /** Where the line stands in that commit: elsewhere when the file was renamed since. */
  readonly file: string;
  readonly line: number;
  /** It was written then or before: history is not known further back. */
  readonly orBefore: boolean;
}

/** A line that somebody wrote. */
export interface ExplainedPlace {
  readonly source: Written['source'];
  /** Path in the repository; empty where nobody wrote it. */
  readonly file: string;
  /** 1-based; 0 where unknown. */
  readonly line: number;
  /** `spec.variables.REGION`, where the line alone does not say it. */
  readonly field: string;
  /** `cause`: the line says what was done, not the value. */
  readonly holds: Written['holds'];
  /** Null: not known (another repository, or a folder without history), or not committed. */
  readonly commit: LineCommit | null;
  /** It is in the folder on disk only. */
  readonly uncommitted: boolean;
}

/** What was done, in kustomize's own words. */
export interface ExplainedAction {
  /** `resource`, `patch`, `transformer`, ... */
  readonly kind: string;
  /** `resources[0]`, `patches[1]`, `namePrefix`. */
  readonly action: string;
  /** Folder of the kustomization that says so; empty: the top. */
  readonly layer: string;
}

export interface ExplainedStep extends ExplainedAction {
  readonly change: 'read' | 'added' | 'changed' | 'removed';
  /** JSON text, cut where it is long; null where there is none, or it is masked. */
  readonly before: string | null;
  readonly after: string | null;
  readonly at: ExplainedPlace;
  /** Where the entry of the kustomization is; null where `at` says the same. */
  readonly configuredAt: ExplainedPlace | null;
  /** The line of a chart's template that put the value in; null where there is none, or `at` is it. */
  readonly through: ExplainedPlace | null;
  /** What the value was taken from: `ConfigMap settings`, `data.host`. */
  readonly from: { readonly object: string; readonly field: string } | null;
}

/** One field from the base up. */
export interface FieldExplanation {
  readonly path: string;
  readonly state: 'set' | 'removed';
  /** JSON text, cut where it is long; null: it is gone, or masked. */
  readonly value: string | null;
  /** A Secret's: its values are not told. */
  readonly masked: boolean;
  readonly steps: readonly ExplainedStep[];
}

/** A line of the rendered YAML. */
export interface ExplainedLine {
  readonly text: string;
  /** Of the field; empty for lines that only open a mapping or a list. */
  readonly path: string;
  /** What gave the field its value last; null for lines that only open one. */
  readonly origin: (ExplainedAction & { readonly at: ExplainedPlace }) | null;
  /** Steps that touched the field after the object was first read. */
  readonly changes: number;
}

export interface ExplainedSubject {
  /** Empty for a folder that is built without one. */
  readonly application: string;
  readonly cluster: string;
  readonly revision: {
    /** As it was asked for: `main`; empty for the one that is in force. */
    readonly name: string;
    /** Of the repository that the application is rendered from; null for a folder on disk. */
    readonly commit: string | null;
    /** Name of that Repository; empty: the fleet repository. */
    readonly repository: string;
  };
}

export interface Explanation extends ExplainedSubject {
  readonly object: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    /** Name as first read, before prefixes, suffixes and hashes. */
    readonly originName: string;
  };
  /** Folders from the top to where the object comes from: `overlays/eu`, `base`. */
  readonly way: readonly string[];
  /** The field that was asked for, spelled in full; empty: the whole object. */
  readonly field: string;
  /** `unset`: nothing in Git sets it, and the API server or a controller decides its value. */
  readonly state: 'set' | 'removed' | 'unset';
  readonly secret: boolean;
  /** Of the object, or of a field that holds others; empty for a field of one value. */
  readonly lines: readonly ExplainedLine[];
  /** Of the field and those within that have a story: that were changed after they were first read, or taken away. Of a whole object: those taken away. */
  readonly fields: readonly FieldExplanation[];
  /** Lines and fields beyond the bounds. */
  readonly omitted: number;
}
