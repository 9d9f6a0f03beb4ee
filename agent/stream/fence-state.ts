/** What is kept of fencing across restarts: what was promised, until when, and what is fenced. In a Secret beside the identity, whatever else lies in a folder. */
import type { Logger } from '../../shared/log/log.ts';
import type { FenceRule } from '../../shared/manifest/fencing.ts';
import type { FencedApplication } from '../model/fencing.ts';
import type { SecretsPort } from './secrets-port.ts';

export interface KeptLease extends FenceRule {
  /** On this machine's clock: fenced from then on unless the hub answers before. */
  readonly untilMs: number;
}

export interface FenceSnapshot {
  readonly leases: readonly KeptLease[];
  readonly fenced: readonly FencedApplication[];
}

export interface FenceStorage {
  load(): Promise<FenceSnapshot>;
  save(snapshot: FenceSnapshot): Promise<void>;
}

const fenceSecret = 'fairway-agent-fencing';
const member = 'state';
const nothing: FenceSnapshot = { leases: [], fenced: [] };

/** What cannot be read counts as none: nobody can tell any more what was promised. */
export function createFenceStorage(secrets: Pick<SecretsPort, 'read' | 'write'>, log: Logger): FenceStorage {
  return {
    async load() {
      const bytes = (await secrets.read(fenceSecret))?.get(member);
      if (bytes === undefined) return nothing;
      try {
        const { leases, fenced } = JSON.parse(Buffer.from(bytes).toString('utf8')) as FenceSnapshot;
        return { leases: [...leases], fenced: [...fenced] };
      } catch (caught) {
        log.error('what was promised of fencing cannot be read', { secret: fenceSecret, error: caught });
        return nothing;
      }
    },
    save: (snapshot) =>
      secrets.write(fenceSecret, new Map([[member, Buffer.from(JSON.stringify(snapshot))]])),
  };
}
