import { type CelProgram, truthOf } from '../../shared/cel/cel.ts';
import { compileCel } from '../../shared/cel/compile.ts';
import type { Json, KubeObject, ObjectKey } from '../../shared/manifest/object.ts';
import type { Expectation, ParitySide } from '../model/parity.ts';
import { type FieldPath, isWithin } from './field-path.ts';

/** The object that a difference is about. */
export interface ExpectationSubject {
  readonly application: string;
  /** Before prefixes, suffixes and hashes. */
  readonly origin: ObjectKey;
  readonly primary: KubeObject | undefined;
  readonly standby: KubeObject | undefined;
}

export interface FieldDifference {
  readonly path: FieldPath;
  readonly primary: Json | undefined;
  readonly standby: Json | undefined;
}

export type ExpectationAnswer =
  | { readonly covered: true; readonly expectation: Expectation }
  /** `broken`: rules that are about the field but do not hold, by the name of their expectation, in words. */
  | { readonly covered: false; readonly broken: ReadonlyMap<string, string> };

export interface ExpectationBook {
  /** The first expectation that covers a field's difference. */
  field(subject: ExpectationSubject, difference: FieldDifference): ExpectationAnswer;
  /** The first that says the object is on this side alone. */
  presence(subject: ExpectationSubject, side: ParitySide): ExpectationAnswer;
}

interface Compiled {
  readonly expectation: Expectation;
  readonly program: CelProgram | undefined;
}

/** @param expectations those that count: none that is over. */
export function createExpectationBook(expectations: readonly Expectation[]): ExpectationBook {
  const compiled = expectations.map((expectation): Compiled => {
    const { kind } = expectation;
    if (kind.type !== 'rule') return { expectation, program: undefined };
    const result = compileCel(kind.holds, { variables: ['primary', 'standby'] });
    return { expectation, program: result.ok ? result.program : undefined };
  });
  return {
    field(subject, difference) {
      const broken = new Map<string, string>();
      for (const one of compiled) {
        if (!isInScope(one.expectation, subject)) continue;
        const answer = coversField(one, subject, difference);
        if (answer === true) return { covered: true, expectation: one.expectation };
        if (typeof answer === 'string') broken.set(one.expectation.name, `does not hold: ${answer}`);
      }
      return { covered: false, broken };
    },
    presence(subject, side) {
      for (const { expectation } of compiled)
        if (
          expectation.kind.type === 'only' &&
          expectation.kind.side === side &&
          isInScope(expectation, subject)
        )
          return { covered: true, expectation };
      return { covered: false, broken: new Map() };
    },
  };
}

function isInScope(
  { scope }: Expectation,
  { application, origin, primary, standby }: ExpectationSubject,
): boolean {
  const among = (wanted: readonly string[], ...found: readonly (string | undefined)[]) =>
    wanted.length === 0 || found.some((one) => one !== undefined && wanted.includes(one));
  return (
    among(scope.applications, application) &&
    among(scope.kinds, origin.kind) &&
    among(scope.namespaces, primary?.metadata.namespace, standby?.metadata.namespace, origin.namespace) &&
    among(scope.names, origin.name)
  );
}

/** True: it covers the difference. Text: it is about the field, but says otherwise. */
function coversField(
  { expectation: { kind }, program }: Compiled,
  { primary, standby }: ExpectationSubject,
  difference: FieldDifference,
): boolean | string {
  if (kind.type === 'only') return false;
  if (kind.type === 'scaledToZero') return isScaledToZero(difference);
  if (!kind.paths.some((path) => isWithin(difference.path, path))) return false;
  if (kind.type === 'fields') return true;
  if (!program) return 'it cannot be read';
  const truth = truthOf(program.evaluate({ primary: primary ?? null, standby: standby ?? null }));
  if (!truth.ok) return truth.message;
  return truth.value || kind.holds;
}

/** Of a CronJob: suspended, which is what zero replicas are to it. */
function isScaledToZero({ path, standby }: FieldDifference): boolean {
  return (path === '/spec/replicas' && standby === 0) || (path === '/spec/suspend' && standby === true);
}
