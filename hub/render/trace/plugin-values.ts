/** Where a transformer that is an object of its own holds what it puts in. */
import type { Json } from '../../../shared/manifest/object.ts';
import type { ImageArgs } from '../kustomize/kustomization.ts';
import { type FindOrigin, type Spot, spotBelow } from './lineage.ts';
import { imageAt, pairsAt, scalarAt } from './written-values.ts';

type Config = Readonly<Record<string, Json>>;
type Make = (spot: Spot, config: Config) => FindOrigin;

const below =
  (make: (spot: Spot) => FindOrigin, ...path: readonly string[]): Make =>
  (spot) =>
    make(spotBelow(spot, ...path));
const part = (spot: Spot): FindOrigin => scalarAt(spot, 'part');

const finders: Readonly<Record<string, Make>> = {
  AnnotationsTransformer: below(pairsAt, 'annotations'),
  LabelTransformer: below(pairsAt, 'labels'),
  PrefixTransformer: below(part, 'prefix'),
  SuffixTransformer: below(part, 'suffix'),
  PrefixSuffixTransformer: (spot, config) => part(spotBelow(spot, config['prefix'] ? 'prefix' : 'suffix')),
  NamespaceTransformer: below(scalarAt, 'metadata', 'namespace'),
  ReplicaCountTransformer: below(scalarAt, 'replica', 'count'),
  ImageTagTransformer: (spot, config) =>
    imageAt(spotBelow(spot, 'imageTag'), (config['imageTag'] ?? {}) as ImageArgs),
  // Without a value it is the folder's name.
  ValueAddTransformer: (spot, config) => (config['value'] ? part(spotBelow(spot, 'value')) : () => undefined),
};

/** Where a built-in transformer's configuration writes what it sets; of others nothing is known. */
export function pluginAt(kind: string, config: Config, spot: Spot): FindOrigin {
  const make = Object.hasOwn(finders, kind) ? finders[kind] : undefined;
  return make === undefined ? () => undefined : make(spot, config);
}
