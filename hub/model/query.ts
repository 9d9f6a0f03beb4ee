/** What the hub may ask of an agent, and what it answers. */
import type { ObjectKey } from '../../shared/manifest/object.ts';

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
    };

export type Answer =
  | {
      readonly type: 'object';
      readonly found: boolean;
      /** JSON; Secret values are masked in the agent. Empty when not found. */
      readonly content: string;
    }
  | { readonly type: 'logs'; readonly content: string; readonly truncated: boolean };

export interface AskOptions {
  /** Default 10,000, at most 60,000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}
