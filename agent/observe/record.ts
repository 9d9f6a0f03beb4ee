import type { ChangeAction } from '../../shared/manifest/health.ts';
import { type KubeObject, keyOf } from '../../shared/manifest/object.ts';
import type { AppliedRecord } from '../model/record.ts';
import { factsOf } from './facts.ts';
import { ownFields } from './fields-v1.ts';
import { findForeign, hashForeignPaths } from './foreign.ts';
import { projectFields } from './projection.ts';

/** The compact memory of an object as the API server returned it after our apply (or as read, when it matched already). */
export function createRecord(
  live: KubeObject,
  parts: {
    readonly application: string;
    readonly objectDigest: string;
    readonly omitted: string;
    readonly action: ChangeAction;
    readonly appliedAtMs: number;
    readonly secretKey: Uint8Array;
  },
): AppliedRecord {
  const { secretKey, ...rest } = parts;
  const fields = ownFields(live);
  const projection = projectFields(fields, live, secretKey);
  return {
    ...rest,
    key: keyOf(live),
    apiVersion: live.apiVersion,
    facts: factsOf(live),
    fields: JSON.stringify(fields),
    liveDigest: projection.digest,
    leaves: projection.leaves,
    foreignPaths: hashForeignPaths(findForeign(fields, live)),
  };
}
