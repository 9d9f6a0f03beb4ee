import {
  DriftSchema,
  FieldChangeSchema,
  type Drift as WireDrift,
  type FieldChange as WireFieldChange,
  type Writer as WireWriter,
  WriterSchema,
} from '../gen/fairway/v1/agent_pb.ts';
import type { Drift, FieldChange } from '../manifest/health.ts';
import { encode, reads, timeFromWire, timeToWire, wordOr } from './wire-base.ts';

const kinds = ['changed', 'foreign', 'deleted', 'recreated'] as const;

/** Fields and managers of one drift that travel; the rest is cut. */
const partsMax = 200;

export function changeToWire(field: FieldChange): WireFieldChange {
  return encode(FieldChangeSchema, { path: field.path, desired: field.desired, live: field.live });
}

reads<WireFieldChange>({ path: true, desired: true, live: true });
export function changeFromWire(wire: WireFieldChange): FieldChange {
  const { path, desired, live } = wire;
  return {
    path,
    ...(desired === undefined ? {} : { desired }),
    ...(live === undefined ? {} : { live }),
  };
}

/** At most `partsMax` fields and managers of it. */
export function driftToWire(drift: Drift): WireDrift {
  return encode(DriftSchema, {
    kind: drift.kind,
    fields: drift.fields.slice(0, partsMax).map(changeToWire),
    managers: drift.managers
      .slice(0, partsMax)
      .map(({ name, operation, timeMs }) =>
        encode(WriterSchema, { name, operation, timeUnixMs: timeToWire(timeMs) }),
      ),
    foundAtUnixMs: timeToWire(drift.foundAtMs),
    healedAtUnixMs: timeToWire(drift.healedAtMs),
  });
}

reads<WireDrift>({ kind: true, fields: true, managers: true, foundAtUnixMs: true, healedAtUnixMs: true });
reads<WireWriter>({ name: true, operation: true, timeUnixMs: true });
/** An unknown kind counts as `changed`. */
export function driftFromWire(wire: WireDrift): Drift {
  const healedAtMs = timeFromWire(wire.healedAtUnixMs);
  return {
    kind: wordOr(kinds, wire.kind, 'changed'),
    fields: wire.fields.slice(0, partsMax).map(changeFromWire),
    managers: wire.managers.slice(0, partsMax).map(({ name, operation, timeUnixMs }) => ({
      name,
      operation,
      timeMs: timeFromWire(timeUnixMs),
    })),
    foundAtMs: timeFromWire(wire.foundAtUnixMs) ?? 0,
    ...(healedAtMs === undefined ? {} : { healedAtMs }),
  };
}
