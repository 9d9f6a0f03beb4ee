import { createRequire } from 'node:module';

export type YamlLibrary = typeof import('yaml');

const require = createRequire(import.meta.url);

/** The library that knows of lines and comments. Needed for errors and for documents within texts only, so it is loaded the first time it is asked for. */
export function yamlLibrary(): YamlLibrary {
  return require('yaml') as YamlLibrary;
}
