import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fleetKinds, fleetSchemas } from './resource-schemas.ts';
import { schemaFileName, schemaText } from './write-schemas.ts';

describe('fleetSchemas', () => {
  it.each(fleetKinds)(
    '%s is committed as it is generated (else: node hub/fleet/write-schemas.ts)',
    (kind) => {
      const committed = readFileSync(new URL(`schemas/${schemaFileName(kind)}`, import.meta.url), 'utf8');
      expect(committed).toBe(schemaText(fleetSchemas()[kind]));
    },
  );

  it('has a file for each kind and no others', () => {
    const files = readdirSync(new URL('schemas/', import.meta.url)).sort();
    expect(files).toEqual(fleetKinds.map(schemaFileName).sort());
  });

  it('lets defaults be left out and refuses unknown fields', () => {
    const { Application } = fleetSchemas();
    expect(Application.properties?.['spec']?.['required']).toEqual(['source']);
    expect(Application.properties?.['spec']?.additionalProperties).toBe(false);
  });
});
