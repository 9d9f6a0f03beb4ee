import type { FailoverPort } from '../../api/ports.ts';
import { createFailoverService, type FailoverOptions } from './failover.ts';
import { createFailoverLoop, type FailoverLoop, type FailoverLoopOptions } from './failover-loop.ts';

export interface FailoverDriver extends FailoverLoop, FailoverPort {}

/** What the pipeline gives to failovers. */
export type FailoverPipeline = Pick<
  FailoverOptions & FailoverLoopOptions,
  'source' | 'preview' | 'git' | 'rootKey' | 'onSwitch' | 'newId'
>;

/** What is asked of failovers, and what drives them, over one store. */
export function createFailovers(options: FailoverOptions & FailoverLoopOptions): FailoverDriver {
  return { ...createFailoverLoop(options), ...createFailoverService(options) };
}
