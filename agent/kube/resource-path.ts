import type { ApiResource } from './kube-client.ts';

/** Path of a collection (no name) or an object, with a query. https://kubernetes.io/docs/reference/using-api/api-concepts/ */
export function resourcePath(
  resource: ApiResource,
  namespace: string,
  name?: string,
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const { group, version } = resource;
  const segments = [
    group === '' ? `/api/${version}` : `/apis/${group}/${version}`,
    ...(resource.namespaced && namespace !== '' ? [`namespaces/${encodeURIComponent(namespace)}`] : []),
    resource.resource,
    ...(name === undefined ? [] : [encodeURIComponent(name)]),
  ];
  let text = '';
  for (const [key, value] of Object.entries(query))
    if (value !== undefined) text += `${text === '' ? '?' : '&'}${key}=${encodeURIComponent(value)}`;
  return segments.join('/') + text;
}
