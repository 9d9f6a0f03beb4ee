/** What the hub may ask of an agent, and what it answers. */
import type { SectionFacts, UnownedField } from '../../shared/manifest/cluster-facts.ts';
import type { FieldChange } from '../../shared/manifest/health.ts';
import type { ObjectKey } from '../../shared/manifest/object.ts';
import type { Target } from '../../shared/manifest/target.ts';

export type Question =
  | { readonly type: 'object'; readonly key: ObjectKey; readonly apiVersion: string }
  | {
      readonly type: 'logs';
      readonly namespace: string;
      readonly pod: string;
      /** Empty: the pod's only or first container. */
      readonly container: string;
      /** At most 1,000. */
      readonly tailLines: number;
      readonly previous: boolean;
    }
  /** What the agent knows of itself. */
  | { readonly type: 'diagnostics' }
  /** What the cluster is besides its applications. `salt` keys fingerprints; `known`: digests of sections known already; `watch`: changes are to be told. */
  | {
      readonly type: 'facts';
      readonly salt: Uint8Array;
      readonly known: Readonly<Record<string, string>>;
      readonly watch: boolean;
      readonly unowned: readonly UnownedField[];
    }
  /** What would this target do to objects that are there? */
  | {
      readonly type: 'adoption';
      readonly application: string;
      readonly target: Target;
      readonly blobs: readonly { readonly digest: string; readonly content: string }[];
    }
  | RunQuestion;

/** A Job in the application's namespace: begun, looked at, or put away. Agents before this one answer `unsupported`. */
export interface RunQuestion {
  readonly type: 'run';
  readonly application: string;
  /** JSON of a batch/v1 Job. */
  readonly job: string;
  /** It has not been begun yet, as far as is known: one that is not there is made. */
  readonly begin: boolean;
  readonly remove: boolean;
}

export type RunState = 'running' | 'succeeded' | 'failed' | 'gone';

/** What would become of one object. */
export interface AdoptionFinding {
  readonly key: ObjectKey;
  readonly result: 'create' | 'own' | 'take' | 'refuse' | 'error';
  readonly owners: readonly { readonly tool: string; readonly name: string }[];
  readonly changes: readonly FieldChange[];
  readonly conflicts: readonly { readonly field: string; readonly manager: string }[];
  readonly message: string;
}

export type Answer =
  | {
      readonly type: 'object';
      readonly found: boolean;
      /** JSON; Secret values are masked in the agent. Empty when not found. */
      readonly content: string;
    }
  | { readonly type: 'logs'; readonly content: string; readonly truncated: boolean }
  | { readonly type: 'facts'; readonly sections: readonly SectionFacts[] }
  /** JSON, at most 4 MiB. */
  | { readonly type: 'diagnostics'; readonly content: string }
  | { readonly type: 'adoption'; readonly findings: readonly AdoptionFinding[]; readonly truncated: boolean }
  | { readonly type: 'run'; readonly state: RunState; readonly message: string; readonly logTail: string };

export interface AskOptions {
  /** Default 10,000, at most 60,000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}
