import { writeFileSync } from 'node:fs';
import { configJsonSchema } from './config-schema.ts';

/** As it is committed. */
export function configSchemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}

if (import.meta.main) writeFileSync(new URL('schema.json', import.meta.url), configSchemaText());
