import {
  isJsonObject,
  isSecret,
  type Json,
  type KubeObject,
  keyOf,
} from '../../../shared/manifest/object.ts';
import type { Complaint, Severity } from './complaint.ts';

/** A Secret with values in it that nothing has encrypted. SOPS leaves its mark, or `ENC[...]` in each value. Pure. */
export function checkSecret(object: KubeObject, severity: Severity): readonly Complaint[] {
  if (!isSecret(keyOf(object)) || isJsonObject(object['sops'])) return [];
  for (const member of ['data', 'stringData']) {
    const data = object[member];
    if (!isJsonObject(data)) continue;
    const plain = Object.keys(data).filter((name) => !isEncrypted(data[name]));
    if (plain.length === 0) continue;
    const names = plain.slice(0, 5).join(', ');
    const message = `holds ${names} in plain text, for all who read the repository: encrypt it with SOPS, or let an operator in the cluster fetch it`;
    return [{ rule: 'plain-secret', severity, path: [member], message }];
  }
  return [];
}

/** Empty values keep no secret. https://getsops.io/docs/#encryption-protocol */
function isEncrypted(value: Json | undefined): boolean {
  return typeof value !== 'string' || value === '' || value.startsWith('ENC[');
}
