/** Targets of patches: anchored regular expressions on identity, selectors on labels and annotations (kustomize api/types/selector.go, resmap Select). */
import { groupOf, versionOf } from '../../../shared/manifest/object.ts';
import type { Resource } from '../resource.ts';
import { effectiveNamespace, originNamespace } from './ids.ts';
import { parseLabelSelector } from './label-selector.ts';
import { textOf } from './list-merge.ts';
import { compilePattern } from './pattern.ts';

export interface TargetSelector {
  readonly group?: string | undefined;
  readonly version?: string | undefined;
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly annotationSelector?: string | undefined;
}

/** @throws SelectorError. */
export function compileSelector(selector: TargetSelector): (resource: Resource) => boolean {
  const [group, version, kind, name, namespace] = [
    selector.group,
    selector.version,
    selector.kind,
    selector.name,
    selector.namespace,
  ].map((pattern) => compilePattern(pattern, 'whole'));
  const labels = parseLabelSelector(selector.labelSelector ?? '');
  const annotations = parseLabelSelector(selector.annotationSelector ?? '');
  return (resource) => {
    const { object } = resource;
    if (kind !== undefined && !kind.test(object.kind)) return false;
    if (name !== undefined && !name.test(originName(resource)) && !name.test(object.metadata.name))
      return false;
    if (group !== undefined && !group.test(groupOf(object.apiVersion))) return false;
    if (version !== undefined && !version.test(versionOf(object.apiVersion))) return false;
    if (
      namespace !== undefined &&
      !namespace.test(originNamespace(resource)) &&
      !namespace.test(effectiveNamespace(resource))
    )
      return false;
    return labels(textMap(object.metadata.labels)) && annotations(textMap(object.metadata.annotations));
  };
}

function originName(resource: Resource): string {
  return resource.history.previous[0]?.name ?? resource.object.metadata.name;
}

export function textMap(map: Readonly<Record<string, unknown>> | undefined): ReadonlyMap<string, string> {
  return new Map(Object.entries(map ?? {}).map(([key, value]) => [key, textOf(value as string)]));
}
