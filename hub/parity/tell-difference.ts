import { digestText } from '../../shared/manifest/canonical.ts';
import type { Json } from '../../shared/manifest/object.ts';
import type { DifferenceClass, ParityDifference, ParitySide } from '../model/parity.ts';
import type { ExpectationAnswer } from './expectations.ts';
import { showText, showValue } from './mask.ts';
import type { ObjectPair } from './object-pair.ts';

/** What is said of one difference of an object. */
export interface Told {
  readonly aspect: 'field' | 'presence' | 'revision' | 'health' | 'live';
  readonly class: DifferenceClass;
  readonly message: string;
  readonly path?: string;
  readonly side?: ParityDifference['side'];
  readonly values?: Readonly<Partial<Record<ParitySide, Json | undefined>>>;
  readonly answer?: ExpectationAnswer;
  readonly owner?: string;
  readonly action?: string;
  readonly severity?: ParityDifference['severity'];
  readonly sinceMs?: number | undefined;
}

/** The difference as it is kept and shown: the same one has the same id as long as it lasts. */
export function tellDifference(
  pair: ObjectPair,
  standby: string,
  { aspect, answer, values, ...told }: Told,
): ParityDifference {
  const { application, originId } = pair;
  const path = told.path ?? '';
  const side = told.side ?? 'both';
  const covered = answer?.covered ? answer.expectation : undefined;
  const broken = answer?.covered === false ? [...answer.broken] : [];
  const but = broken.map(([name, text]) => `; ${name} ${showText(text)}`).join('');
  const subject = `${aspect} ${aspect === 'health' ? side : ''}`;
  return {
    id: digestText(`${standby}\n${application}\n${originId}\n${subject}\n${path}`).slice(0, 16),
    standby,
    application,
    originId,
    primaryKey: pair.primary?.key,
    standbyKey: pair.standby?.key,
    apiVersion: (pair.primary ?? pair.standby)?.apiVersion ?? '',
    path,
    class: covered ? 'declared' : told.class,
    side,
    primaryValue: showValue(values?.primary),
    standbyValue: showValue(values?.standby),
    message: covered ? covered.reason : told.message + but,
    expectation: covered?.name ?? '',
    ...(broken.length > 0 && { broken: broken.map(([name]) => name) }),
    owner: covered?.owner ?? told.owner ?? '',
    action: covered ? '' : (told.action ?? ''),
    severity: covered ? 'info' : (told.severity ?? 'warning'),
    sinceMs: told.sinceMs,
    primarySource: undefined,
    standbySource: undefined,
  };
}
