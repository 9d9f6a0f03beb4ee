import type { ApiResource } from './kube-client.ts';

/** Path of a collection (no name) or an object, with a query. https://kubernetes.io/docs/reference/using-api/api-concepts/ */
export function resourcePath(
  resource: ApiResource,
  namespace: string,
  name?: string,
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const { group, version } = resource;
  let path = group === '' ? `/api/${version}/` : `/apis/${group}/${version}/`;
  if (resource.namespaced && namespace !== '') path += `namespaces/${encodeURIComponent(namespace)}/`;
  path += resource.resource;
  if (name !== undefined) path += `/${encodeURIComponent(name)}`;
  let mark = '?';
  for (const key of Object.keys(query)) {
    const value = query[key];
    if (value === undefined) continue;
    path += `${mark}${key}=${encodeURIComponent(value)}`;
    mark = '&';
  }
  return path;
}
