import type { ChangeAction } from '../../shared/manifest/health.ts';
import { type KubeObject, keyOf, type ObjectKey } from '../../shared/manifest/object.ts';
import type { AppliedRecord } from '../model/record.ts';
import type { TextPool } from '../model/text-pool.ts';
import type { FactsReader } from './facts.ts';
import { ownFields } from './fields-v1.ts';
import { findForeign, hashForeignPaths } from './foreign.ts';
import { projectFields } from './projection.ts';

/** The compact memory of an object as the API server returned it after our apply (or as read, when it matched already). */
export function createRecord(
  live: KubeObject,
  parts: {
    /** As planned: kept once where it is the object's own. */
    readonly key: ObjectKey;
    readonly application: string;
    readonly objectDigest: string;
    readonly omitted: string;
    readonly action: ChangeAction;
    readonly appliedAtMs: number;
    readonly secretKey: Uint8Array;
    readonly pool: TextPool;
    readonly factsOf: FactsReader;
  },
): AppliedRecord {
  const { pool } = parts;
  const fields = ownFields(live);
  const fieldsText = JSON.stringify(fields);
  const projection = projectFields(fields, live, parts.secretKey, fieldsText);
  const { key } = parts;
  const own = keyOf(live);
  const isOwn = own.name === key.name && own.namespace === key.namespace && own.kind === key.kind;
  // Member by member: of an object that is spread V8 keeps what comes after it in an array beside it.
  return {
    key: isOwn && own.group === key.group ? key : own,
    apiVersion: pool(live.apiVersion),
    application: parts.application,
    objectDigest: parts.objectDigest,
    omitted: pool(parts.omitted),
    facts: parts.factsOf(live),
    fields: pool(fieldsText),
    liveDigest: projection.digest,
    leaves: projection.leaves,
    foreignPaths: hashForeignPaths(findForeign(fields, live)),
    appliedAtMs: parts.appliedAtMs,
    action: parts.action,
  };
}
