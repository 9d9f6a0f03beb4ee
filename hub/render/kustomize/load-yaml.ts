/** Reading what a kustomization names or holds. */
import { type Place, problemError } from '../render-error.ts';
import { parseYaml, type YamlDocument } from '../yaml/parse-yaml.ts';
import type { Accumulation } from './accumulate.ts';
import type { Base } from './accumulate-context.ts';

export interface Loaded {
  readonly documents: readonly YamlDocument[];
  readonly place: Place;
  /** Object id of the file; empty for a text within the kustomization. */
  readonly oid: string;
}

/** A file. `kustomization`: read as kustomize reads its own files, with the booleans of YAML 1.1; `configuration`: so, but that no key may be there twice. @throws a Problem. */
export async function loadYaml<B extends Base>(
  path: string,
  from: Accumulation<B>,
  place: Place,
  kind: 'object' | 'kustomization' | 'configuration' = 'object',
): Promise<Loaded> {
  const { files, view, limits } = from.context;
  const found = await from.loader.file(from.folder, path, place);
  const where = { file: found.path, line: 1 };
  if (kind === 'object')
    return {
      documents: await files.parse(view, found.path, found.entry, found.path),
      place: where,
      oid: found.entry.oid,
    };
  const bytes = await files.bytes(view, found.path, found.entry, found.path);
  const result = files.parseBytes(`${kind} ${found.entry.oid}`, bytes, () => parseYaml(bytes, limits, kind));
  if (result.ok) return { documents: result.documents, place: where, oid: found.entry.oid };
  const { code, line, message } = result.failure;
  throw problemError(code, { ...where, line }, message);
}

/** A text within the kustomization. Lines within the text are lines of the kustomization file, as near as its block scalar tells. @throws a Problem. */
export function parseInline<B extends Base>(
  text: string,
  from: Accumulation<B>,
  place: Place,
  what = 'the patch',
  kind: 'object' | 'configuration' = 'object',
): Loaded {
  const bytes = new TextEncoder().encode(text);
  const { files, limits } = from.context;
  const result = files.parseBytes(`inline ${kind} ${text}`, bytes, () => parseYaml(bytes, limits, kind));
  if (!result.ok)
    throw problemError(
      result.failure.code,
      place,
      `in line ${result.failure.line} of ${what}: ${result.failure.message}`,
    );
  return {
    documents: result.documents.map((one) => ({
      value: one.value,
      get line(): number {
        return place.line;
      },
      ...(one.isJson === undefined ? {} : { isJson: one.isJson }),
    })),
    place,
    oid: '',
  };
}
