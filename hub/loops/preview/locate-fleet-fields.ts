import { findLine, readYamlDocuments, type YamlDocument } from '../../fleet/yaml-document.ts';
import type { Written } from '../../model/trace.ts';
import { isItemPart, parseFieldPath } from '../../model/trace-path.ts';

/** Reads a file of the fleet folder as it was when the resource was read. Undefined: it is not there. */
export type ReadFleetFile = (
  source: 'cluster' | 'application',
  file: string,
) => Promise<Uint8Array | undefined>;

/**
 * What a Cluster or an Application says is known by the line of its resource and the field: here the field's own line is looked up, for those that there are
 * among `places`. Where it cannot be, the resource's line stays.
 */
export async function locateFleetFields(
  places: readonly Written[],
  read: ReadFleetFile,
): Promise<(written: Written) => Written> {
  const files = new Map<string, readonly YamlDocument[]>();
  const lines = new Map<string, number>();
  for (const written of places) {
    const { source, file, field } = written;
    if ((source !== 'cluster' && source !== 'application') || file === '' || field === '') continue;
    const path = `${source}:${file}`;
    if (!files.has(path)) {
      const bytes = await read(source, file);
      files.set(path, bytes === undefined ? [] : readYamlDocuments(new TextDecoder().decode(bytes)));
    }
    const line = lineOf(written, files.get(path) ?? []);
    if (line !== undefined) lines.set(keyOf(written), line);
  }
  return (written) => {
    const line = lines.get(keyOf(written));
    return line === undefined ? written : { ...written, line };
  };
}

function keyOf({ source, file, line, field }: Written): string {
  return JSON.stringify([source, file, line, field]);
}

function lineOf({ line, field }: Written, documents: readonly YamlDocument[]): number | undefined {
  const document = documents.find(({ firstLine }) => firstLine === line);
  const parsed = parseFieldPath(field);
  if (document === undefined || document.error !== undefined || !parsed.ok) return undefined;
  return findLine(
    document,
    parsed.path.flatMap((part) => (isItemPart(part) ? [] : [part])),
  );
}
