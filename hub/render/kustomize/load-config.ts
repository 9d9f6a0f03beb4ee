import { type Place, problemError } from '../render-error.ts';
import type { Accumulation } from './accumulate.ts';
import type { Base } from './accumulate-context.ts';
import { CrdError, configOfCrds } from './crd-config.ts';
import { checkShape } from './kustomization.ts';
import { loadYaml } from './load-yaml.ts';
import { guarded } from './steps.ts';
import {
  type ConfigFile,
  configOf,
  configShape,
  defaultConfig,
  mergeConfigs,
  type TransformerConfig,
} from './transformer-config.ts';

/** The defaults with what `configurations` and `crds` of one layer add. @throws a Problem. */
export async function loadConfig<B extends Base>(from: Accumulation<B>): Promise<TransformerConfig> {
  const { configurations = [], crds = [] } = from.kustomization;
  if (configurations.length === 0 && crds.length === 0) return defaultConfig;
  let own = configOf({});
  for (const [index, path] of configurations.entries()) {
    const place = from.locate(['configurations', index], `configurations[${index}]`);
    const { documents, place: where } = await loadYaml(path, from, place, 'configuration');
    const value = documents[0]?.value ?? {};
    const file = checkShape(value, configShape, [], () => where, 'configuration') as ConfigFile;
    own = guarded(place, () => mergeConfigs(own, configOf(file)));
  }
  let config = guarded(from.locate(['configurations']), () => mergeConfigs(defaultConfig, own));
  for (const [index, path] of crds.entries()) {
    const place = from.locate(['crds', index], `crds[${index}]`);
    const { documents, place: where } = await loadYaml(path, from, place, 'kustomization');
    const fromCrds = guarded(place, () => readCrds(documents[0]?.value ?? null, where));
    config = guarded(place, () => mergeConfigs(config, fromCrds));
  }
  return config;
}

function readCrds(value: Parameters<typeof configOfCrds>[0], place: Place): TransformerConfig {
  try {
    return configOfCrds(value);
  } catch (caught) {
    if (!(caught instanceof CrdError)) throw caught;
    throw problemError('invalid_manifest', place, caught.message);
  }
}
