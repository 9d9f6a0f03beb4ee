import type { Command } from 'commander';
import { stringify } from 'yaml';
import { FairwayError } from '../../../shared/error/error.ts';
import { withOutput } from '../command.ts';
import type { CliIo } from '../io.ts';

/** `fairway schema [KIND]`: the JSON Schemas of the fleet repository's kinds, from this version of Fairway; no hub is asked. */
export function addSchema(program: Command, io: CliIo): void {
  withOutput(
    program
      .command('schema')
      .summary("show the JSON Schemas of the fleet repository's kinds")
      .description(
        "Shows the JSON Schemas of the fleet repository's kinds, and of the hub's configuration file. Needs no hub.",
      )
      .argument('[kind]', 'such as Application, or HubConfig; without it, they are listed'),
  ).action(async (kind: string | undefined, _: unknown, command: Command) => {
    const { output = 'table' } = command.optsWithGlobals<{ output?: string }>();
    const schemas = await loadSchemas();
    const names = Object.keys(schemas);
    if (kind === undefined) {
      if (output === 'table') return io.stdout(names.map((name) => `${name}\n`).join(''));
      return io.stdout(output === 'yaml' ? stringify(schemas) : JSON.stringify(schemas, null, 2) + '\n');
    }
    const name = names.find((one) => one.toLowerCase() === kind.toLowerCase());
    if (name === undefined)
      throw new FairwayError('not_found', `There is no kind "${kind}".`, {
        details: { hint: `Kinds are ${names.join(', ')}.` },
      });
    const schema = schemas[name];
    io.stdout(output === 'yaml' ? stringify(schema) : JSON.stringify(schema, null, 2) + '\n');
  });
}

async function loadSchemas(): Promise<Readonly<Record<string, unknown>>> {
  const { fleetSchemas } = await import('../../fleet/resource-schemas.ts');
  const { configJsonSchema } = await import('../../config/config-schema.ts');
  return { ...fleetSchemas(), HubConfig: configJsonSchema() };
}
