import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import type { SyncOptions } from '../../../shared/manifest/target.ts';
import type { DesiredState } from '../../model/desired.ts';
import { selfHealAnnotation } from '../../model/inventory.ts';

type Mode = SyncOptions['selfHeal'];
const modes: readonly Mode[] = ['enforce', 'report', 'off'];

/** What to do about drift of one object: what the annotation in its manifest says, else the application's mode. Any other word counts as none. */
export function selfHealOf(desired: Pick<DesiredState, 'object'>, digest: Digest, otherwise: Mode): Mode {
  const text = desired.object(digest);
  // Hardly any has one, and parsing costs.
  if (!text?.includes(selfHealAnnotation)) return otherwise;
  const { metadata } = JSON.parse(text) as KubeObject;
  const said = metadata.annotations?.[selfHealAnnotation];
  return modes.find((mode) => mode === said) ?? otherwise;
}
