/**
 * Reduces what Kubernetes publishes of its own API to what `fairway validate` needs: types and required fields of every kind, and the releases in which kinds
 * were deprecated and removed. Run by hand when the version of Kubernetes moves:
 *
 *   node hub/preview/tools/reduce-kubernetes.ts $(go env GOMODCACHE)/k8s.io 1.36.3 [--check]
 *
 * Sources: kubernetes@v1.36.3/api/openapi-spec/swagger.json, and the generated prerelease-lifecycle functions of k8s.io/api, apiextensions-apiserver and
 * kube-aggregator, from which the API server's own deprecation warnings come.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

interface Property {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly items?: Property;
  readonly additionalProperties?: Property;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-patch-merge-key'?: string;
}

interface Definition extends Property {
  readonly properties?: Readonly<Record<string, Property>>;
  readonly required?: readonly string[];
  readonly 'x-kubernetes-group-version-kind'?: readonly {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }[];
}

const [modules = '', version = ''] = process.argv.slice(2);
const minor = version.slice(version.indexOf('.') + 1);
const moduleFolder = (name: string, moduleVersion: string) => join(modules, `${name}@${moduleVersion}`);
const swagger = JSON.parse(
  readFileSync(join(moduleFolder('kubernetes', `v${version}`), 'api/openapi-spec/swagger.json'), 'utf8'),
) as { readonly definitions: Readonly<Record<string, Definition>> };

/** Definitions whose Go type reads JSON by rules of its own. */
const special: Readonly<Record<string, string>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'q',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'x',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 's',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 's',
};

const names: string[] = [];
const indexOf = (name: string): number => {
  const at = names.indexOf(name);
  return at < 0 ? names.push(name) - 1 : at;
};

/** `(containerPort,protocol)`: what identifies an item of a list. */
function keysOf(property: Property): string {
  const key = property['x-kubernetes-patch-merge-key'];
  const keys = property['x-kubernetes-list-map-keys'] ?? (key === undefined ? [] : [key]);
  return keys.length === 0 ? '' : `(${keys.join(',')})`;
}

/** `s` text, `i` integer, `n` number, `b` boolean, `q` quantity, `x` integer or text, `*` anything, `[` list of, `{` map of, or a definition's number. */
function typeOf(property: Property): string {
  const name = property.$ref?.replace('#/definitions/', '');
  if (name !== undefined) {
    const definition = swagger.definitions[name];
    return special[name] ?? (definition?.properties ? String(indexOf(name)) : '*');
  }
  if (property.items) return `[${keysOf(property)}${typeOf(property.items)}`;
  if (property.additionalProperties) return `{${typeOf(property.additionalProperties)}`;
  return { string: 's', integer: 'i', number: 'n', boolean: 'b' }[property.type ?? ''] ?? '*';
}

/** Options of requests are kinds of every group, but no objects. */
const noObject = /^(.*Options|WatchEvent|APIGroup.*|APIVersions|APIResourceList|Status)$/;
const kinds: Record<string, number> = {};
for (const [name, definition] of Object.entries(swagger.definitions))
  for (const { group, version: of, kind } of definition['x-kubernetes-group-version-kind'] ?? [])
    if (!noObject.test(kind)) kinds[`${group === '' ? '' : `${group}/`}${of}/${kind}`] = indexOf(name);

const definitions: (readonly [Record<string, string>, ...string[]])[] = [];
for (let at = 0; at < names.length; at += 1) {
  const { properties = {}, required = [] } = swagger.definitions[names[at] ?? ''] ?? {};
  const fields = Object.entries(properties).map(([field, property]) => [field, typeOf(property)] as const);
  definitions.push([Object.fromEntries(fields), ...required]);
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => basename(path) === 'zz_generated.prerelease-lifecycle.go')
    .map((path) => join(folder, path));
}

/** `policy/v1beta1/PodDisruptionBudget`: minor release of deprecation, of removal (0: none stated), what to use instead (may be empty). */
const lifecycle: Record<string, readonly [number, number, string]> = {};
for (const file of ['api', 'apiextensions-apiserver', 'kube-aggregator'].flatMap((name) =>
  listFiles(moduleFolder(name, `v0.${minor}`)),
)) {
  const folder = dirname(file);
  const group = /GroupName = "([^"]*)"/.exec(readFileSync(join(folder, 'register.go'), 'utf8'))?.[1] ?? '';
  const text = readFileSync(file, 'utf8');
  const releaseOf = (kind: string, what: string) =>
    Number(
      new RegExp(`in \\*${kind}\\) APILifecycle${what}\\(\\)[^{]*\\{\\s*return 1, (\\d+)`).exec(text)?.[1] ??
        0,
    );
  for (const [, kind = ''] of text.matchAll(/in \*(\w+)\) APILifecycleDeprecated/g)) {
    if (kind.endsWith('List')) continue;
    const replacement = new RegExp(
      `in \\*${kind}\\) APILifecycleReplacement[^{]*\\{\\s*return [^{]*\\{Group: "([^"]*)", Version: "([^"]*)", Kind: "([^"]*)"`,
    ).exec(text);
    const instead = replacement
      ? `${replacement[1] ? `${replacement[1]}/` : ''}${replacement[2]} ${replacement[3]?.replace(/List$/, '')}`
      : '';
    const id = `${group === '' ? '' : `${group}/`}${basename(folder)}/${kind}`;
    lifecycle[id] = [releaseOf(kind, 'Deprecated'), releaseOf(kind, 'Removed'), instead];
  }
}

const sorted = <T>(record: Readonly<Record<string, T>>) =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
const path = new URL('../checks/kubernetes.json', import.meta.url);
const text = `${JSON.stringify({ version, kinds: sorted(kinds), lifecycle: sorted(lifecycle), definitions })}\n`;
if (!process.argv.includes('--check')) writeFileSync(path, text);
else if (readFileSync(path, 'utf8') !== text) {
  process.stderr.write('hub/preview/checks/kubernetes.json is not what Kubernetes publishes\n');
  process.exitCode = 1;
}
