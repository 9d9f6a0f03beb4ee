import { mkdirSync, writeFileSync } from 'node:fs';
import type { JsonSchema } from './explain-issues.ts';
import { type FleetKind, fleetKinds, fleetSchemas } from './resource-schemas.ts';

/** `cluster.json`. */
export function schemaFileName(kind: FleetKind): string {
  return `${kind.toLowerCase()}.json`;
}

/** As it is committed. */
export function schemaText(schema: JsonSchema): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** Writes `schemas/*.json` anew: `node hub/fleet/write-schemas.ts`. */
function writeFleetSchemas(): void {
  mkdirSync(new URL('schemas/', import.meta.url), { recursive: true });
  for (const kind of fleetKinds)
    writeFileSync(
      new URL(`schemas/${schemaFileName(kind)}`, import.meta.url),
      schemaText(fleetSchemas()[kind]),
    );
}

if (import.meta.main) writeFleetSchemas();
