import type { Case } from './cases-basic.ts';
import { configMap, deployment, rbac, service } from './objects.ts';

const k = 'app/kustomization.yaml';
const base = {
  'app/d.yaml': deployment(),
  'app/e.yaml': deployment('api'),
  'app/s.yaml': service(),
  'app/c.yaml': configMap('settings', 'mode: fast\n  host: a.b.c\n  port: "8080"\n  empty: ""'),
  'app/r.yaml': rbac,
  'app/x.yaml':
    'apiVersion: e.com/v1\nkind: Foo\nmetadata: {name: x, labels: {l: a}, annotations: {a.b/c: note}}\n' +
    'spec:\n  number: 5\n  float: 1.5\n  flag: true\n  none: null\n  blank:\n  text: "7"\n  list: [a, b, c]\n  ports: [{port: 1, name: p}, {port: 2, name: q}]\n  map: {k: v}\n  emptyMap: {}\n',
};
const resources = 'resources: [d.yaml, e.yaml, s.yaml, c.yaml, r.yaml, x.yaml]\n';
const one = (text: string, more = ''): Case => ({
  ...base,
  [k]: `${resources}${more}replacements:\n- ${text.trim().replaceAll('\n', '\n  ')}\n`,
});
const from = (path: string, options = ''): string =>
  `source: {kind: ConfigMap, name: settings, fieldPath: ${path}${options === '' ? '' : `, options: {${options}}`}}\n`;
const to = (path: string, options = '', select = '{kind: Deployment, name: web}'): string =>
  `targets:\n- select: ${select}\n  fieldPaths: ['${path}']\n${options === '' ? '' : `  options: {${options}}\n`}`;
const toFoo = (path: string, options = ''): string => to(path, options, '{kind: Foo}');
const fromFoo = (path: string): string => `source: {kind: Foo, name: x, fieldPath: '${path}'}\n`;
const container = 'spec.template.spec.containers';

const inText = (data: string, path: string, options = ''): Case => ({
  ...one(from('data.host') + to(path, options, '{kind: ConfigMap, name: t}'), 'configMapGenerator: []\n'),
  [k]: `resources: [c.yaml, t.yaml]\nreplacements:\n- ${(from('data.host') + to(path, options, '{kind: ConfigMap, name: t}')).trim().replaceAll('\n', '\n  ')}\n`,
  'app/t.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: t}\ndata:\n  file.json: |-\n    ${data.replaceAll('\n', '\n    ')}\n`,
});

/** `replacements`: sources, targets, paths, options, texts that hold documents. */
export const replacementCases: Readonly<Record<string, Case>> = {
  'a field to a field': one(from('data.mode') + to(`${container}.[name=main].image`)),
  'to all containers': one(from('data.mode') + to(`${container}.*.image`)),
  'by a pattern': one(from('data.mode') + to(`${container}.[name=.*a.*].image`)),
  'by an index': one(from('data.mode') + to(`${container}.1.image`)),
  'by an index out of the list': one(from('data.mode') + to(`${container}.7.image`)),
  'an item of scalars': one(from('data.mode') + toFoo('spec.list.[=b]')),
  'all scalars': one(from('data.mode') + toFoo('spec.list.*')),
  'a scalar by index': one(from('data.mode') + toFoo('spec.list.2')),
  'a key with dots': one(from('data.mode') + toFoo('metadata.annotations.[a.b/c]')),
  'a key with escaped dots': one(from('data.mode') + toFoo('metadata.annotations.a\\.b/c')),
  'to the name by default': one(`${from('data.mode')}targets:\n- select: {kind: Foo}\n`),
  'from the name by default': one(`source: {kind: Foo, name: x}\n${to(`${container}.[name=main].image`)}`),
  'from a list item': one(
    `source: {kind: Deployment, name: web, fieldPath: '${container}.[name=main].image'}\n${toFoo('spec.text')}`,
  ),
  'from an index': one(fromFoo('spec.ports.1.name') + toFoo('spec.text')),
  'from the last item': one(fromFoo('spec.list.-') + toFoo('spec.text')),
  'from a scalar item': one(fromFoo('spec.list.[=b]') + toFoo('spec.text')),
  'from a wildcard': one(fromFoo('spec.list.*') + toFoo('spec.text')),
  'from nothing': one(from('data.nothing') + toFoo('spec.text')),
  'from an empty text': one(from('data.empty') + toFoo('spec.text')),
  'from null': one(fromFoo('spec.none') + toFoo('spec.text')),
  'from an empty map': one(fromFoo('spec.emptyMap') + toFoo('spec.text')),
  'from no object': one(`source: {kind: ConfigMap, name: nope}\n${toFoo('spec.text')}`),
  'from two objects': one(`source: {kind: Deployment}\n${toFoo('spec.text')}`),
  'from an object of a namespace': one(
    `source: {kind: ConfigMap, name: settings, namespace: default, fieldPath: data.mode}\n${toFoo('spec.text')}`,
  ),
  'from another namespace': one(
    `source: {kind: ConfigMap, name: settings, namespace: team, fieldPath: data.mode}\n${toFoo('spec.text')}`,
    'namespace: team\n',
  ),
  'by group and version': one(
    `source: {group: apps, version: v1, kind: Deployment, name: web}\n${toFoo('spec.text')}`,
  ),
  'no source': one(toFoo('spec.text')),
  'no targets': one(from('data.mode')),
  'an empty list of targets': one(`${from('data.mode')}targets: []\n`),
  'no select': one(`${from('data.mode')}targets:\n- fieldPaths: [spec.text]\n`),
  'a value given': one(`sourceValue: hello\n${toFoo('spec.text')}`),
  'a value that looks like a number': one(`sourceValue: "12"\n${toFoo('spec.text')}`),
  'a value for a number': one(`sourceValue: "12"\n${toFoo('spec.number')}`),
  'a value for a map': one(`sourceValue: "12"\n${toFoo('spec.map')}`),
  'a value for something new': one(`sourceValue: "12"\n${toFoo('spec.new.deep', 'create: true')}`),
  'a value and a source': one(`sourceValue: "12"\n${from('data.mode')}${toFoo('spec.text')}`),
  'a text for a number': one(from('data.mode') + toFoo('spec.number')),
  'a text of digits for a number': one(from('data.port') + toFoo('spec.number')),
  'digits for a float': one(from('data.port') + toFoo('spec.float')),
  'a float for a number': one(fromFoo('spec.float') + toFoo('spec.number')),
  'a text for a flag': one(from('data.mode') + toFoo('spec.flag')),
  'a text for null': one(from('data.mode') + toFoo('spec.none')),
  'a text for nothing': one(from('data.mode') + toFoo('spec.blank')),
  'a number for a text': one(fromFoo('spec.number') + toFoo('spec.text')),
  'a flag for a text': one(fromFoo('spec.flag') + toFoo('spec.text')),
  'a map for a map': one(fromFoo('spec.map') + to('spec.template.metadata.labels')),
  'a map for a text': one(fromFoo('spec.map') + toFoo('spec.text')),
  'a map for a number': one(fromFoo('spec.map') + toFoo('spec.number')),
  'a list for a list': one(fromFoo('spec.ports') + to(`${container}.[name=main].ports`)),
  'a text for a list': one(from('data.mode') + toFoo('spec.list')),
  'through a text': one(from('data.mode') + toFoo('spec.text.deep')),
  'through null': one(from('data.mode') + toFoo('spec.none.deep')),
  'through nothing': one(from('data.mode') + toFoo('spec.blank.deep')),
  'through null, creating': one(from('data.mode') + toFoo('spec.none.deep', 'create: true')),
  'through nothing, creating': one(from('data.mode') + toFoo('spec.blank.deep', 'create: true')),
  'to a missing field': one(from('data.mode') + toFoo('spec.nothing')),
  'creating a field': one(from('data.mode') + toFoo('spec.new', 'create: true')),
  'creating a text of digits': one(from('data.port') + toFoo('spec.new', 'create: true')),
  'creating an empty text': one(from('data.empty') + toFoo('spec.new', 'create: true')),
  'creating maps': one(from('data.mode') + toFoo('spec.a.b.c', 'create: true')),
  'creating an item': one(from('data.mode') + toFoo('spec.new.[name=n].value', 'create: true')),
  'creating an item in a list': one(from('data.mode') + toFoo('spec.ports.[name=n].value', 'create: true')),
  'creating a field in an item': one(from('data.mode') + toFoo('spec.ports.[name=q].value', 'create: true')),
  'creating a scalar item': one(from('data.mode') + toFoo('spec.list.[=new]', 'create: true')),
  'appending by index': one(from('data.mode') + toFoo('spec.list.3', 'create: true')),
  'appending beyond the end': one(from('data.mode') + toFoo('spec.list.4', 'create: true')),
  'creating in a new list by index': one(from('data.mode') + toFoo('spec.new.0.name', 'create: true')),
  'creating a map': one(fromFoo('spec.map') + toFoo('spec.new.m', 'create: true')),
  'creating a list': one(fromFoo('spec.list') + toFoo('spec.new.m', 'create: true')),
  'creating in all items': one(from('data.mode') + toFoo('spec.ports.*.new', 'create: true')),
  'a part of the source': one(from('data.host', 'delimiter: ".", index: 1') + toFoo('spec.text')),
  'a part that is not there': one(from('data.host', 'delimiter: ".", index: 9') + toFoo('spec.text')),
  'a negative part': one(from('data.host', 'delimiter: ".", index: -1') + toFoo('spec.text')),
  'a part of the target': one(
    from('data.mode') + to(`${container}.[name=main].image`, 'delimiter: ":", index: 2'),
  ),
  'the first part of the target': one(
    from('data.mode') + to(`${container}.[name=main].image`, 'delimiter: "/"'),
  ),
  'before the target': one(
    from('data.mode') + to(`${container}.[name=main].image`, 'delimiter: "/", index: -1'),
  ),
  'after the target': one(
    from('data.mode') + to(`${container}.[name=main].image`, 'delimiter: "-", index: 99'),
  ),
  'parts of both': one(
    from('data.host', 'delimiter: ".", index: 2') + to(`${container}.*.image`, 'delimiter: "/", index: 1'),
  ),
  'a delimiter on a map': one(from('data.mode') + toFoo('spec.map', 'delimiter: "/"')),
  'a delimiter on a source that is a map': one(
    'source: {kind: Foo, name: x, fieldPath: spec.map, options: {delimiter: "/"}}\n' + toFoo('spec.text'),
  ),
  'a delimiter on a number': one(from('data.port') + toFoo('spec.number', 'delimiter: ".", index: 1')),
  'an encoding, which changes nothing': one(from('data.mode', 'encoding: base64') + toFoo('spec.text')),
  'several fields': one(
    `${from('data.mode')}targets:\n- select: {kind: Foo}\n  fieldPaths: [spec.text, spec.map.k, spec.list.0]\n- select: {kind: Service}\n  fieldPaths: [spec.selector.app]\n`,
  ),
  'a pattern for the kind': one(from('data.mode') + to('spec.selector.app', '', '{kind: Servic.}')),
  'all but some': one(
    `${from('data.mode')}targets:\n- select: {kind: Deployment}\n  reject: [{name: a.*}]\n  fieldPaths: [spec.template.metadata.labels.app]\n`,
  ),
  'all but those with a label': one(
    `${from('data.mode')}targets:\n- select: {kind: Deployment}\n  reject: [{labelSelector: app=web}]\n  fieldPaths: [spec.template.metadata.labels.app]\n`,
  ),
  'an empty reject': one(
    `${from('data.mode')}targets:\n- select: {kind: Deployment}\n  reject: [{}]\n  fieldPaths: [spec.template.metadata.labels.app]\n`,
  ),
  'by label': one(
    from('data.mode') + to('spec.template.metadata.labels.app', '', '{labelSelector: app=api}'),
  ),
  'by annotation': one(from('data.mode') + to('spec.text', '', '{annotationSelector: a.b/c=note}')),
  'no target matches': one(from('data.mode') + to('spec.text', '', '{kind: Nothing}')),
  'after a prefix, by the old name': one(
    `source: {kind: ConfigMap, name: settings}\n${to(`${container}.[name=main].image`)}`,
    'namePrefix: p-\n',
  ),
  'after a prefix, by the new name': one(
    `source: {kind: ConfigMap, name: p-settings}\n${to(`${container}.[name=main].image`, '', '{name: p-web, kind: Deployment}')}`,
    'namePrefix: p-\n',
  ),
  'after a namespace': one(
    `source: {kind: ConfigMap, name: settings, fieldPath: metadata.namespace}\n${toFoo('spec.text')}`,
    'namespace: team\n',
  ),
  'a generated name': {
    ...base,
    [k]: `${resources}configMapGenerator:\n- name: made\n  literals: [a=b]\nreplacements:\n- source: {kind: ConfigMap, name: made}\n  targets:\n  - select: {kind: Foo}\n    fieldPaths: [spec.text]\n`,
  },
  'in several layers': {
    ...Object.fromEntries(Object.entries(base).map(([path, text]) => [path.replace('app/', 'base/'), text])),
    'base/kustomization.yaml': `${resources}namePrefix: b-\nreplacements:\n- ${(from('data.mode') + toFoo('spec.text')).trim().replaceAll('\n', '\n  ')}\n`,
    [k]: `resources: [../base]\nnameSuffix: -s\nreplacements:\n- ${(from('metadata.name') + to(`${container}.[name=main].image`, 'delimiter: ":", index: 1')).trim().replaceAll('\n', '\n  ')}\n`,
  },
  'from a file': {
    ...base,
    [k]: `${resources}replacements:\n- path: r.yml\n`,
    'app/r.yml': from('data.mode') + toFoo('spec.text'),
  },
  'from a file with a list': {
    ...base,
    [k]: `${resources}replacements:\n- path: r.yml\n`,
    'app/r.yml': `- ${(from('data.mode') + toFoo('spec.text')).trim().replaceAll('\n', '\n  ')}\n- ${(from('data.host') + toFoo('spec.map.k')).trim().replaceAll('\n', '\n  ')}\n`,
  },
  'from a file with unknown fields': {
    ...base,
    [k]: `${resources}replacements:\n- path: r.yml\n`,
    'app/r.yml': `unknown: 1\n${from('data.mode')}${toFoo('spec.text')}`,
  },
  'from a file with an empty list of targets': {
    ...base,
    [k]: `${resources}replacements:\n- path: r.yml\n`,
    'app/r.yml': `${from('data.mode')}targets: []\n`,
  },
  'from a file that is a text': {
    ...base,
    [k]: `${resources}replacements:\n- path: r.yml\n`,
    'app/r.yml': 'hello\n',
  },
  'from no file': { ...base, [k]: `${resources}replacements:\n- path: nope.yml\n` },
  'a file and a source': {
    ...base,
    [k]: `${resources}replacements:\n- path: r.yml\n  ${from('data.mode')}`,
    'app/r.yml': from('data.mode') + toFoo('spec.text'),
  },
  'an unknown field': one(`${from('data.mode')}${toFoo('spec.text')}unknown: 1\n`),
  'a shared label': one(
    from('data.mode') + to('spec.template.metadata.labels.team'),
    'commonLabels: {team: x}\n',
  ),
  'in JSON text': inText('{"a": {"host": "x", "n": [1, 2.50, true]}, "z": "<&>"}', 'data.[file.json].a.host'),
  'in JSON text over lines': inText(
    '{\n  "a": {\n    "host": "x", "e": {}, "l": []\n  }\n}',
    'data.[file.json].a.host',
  ),
  'in JSON text, an item': inText('{"a": [{"name": "x", "v": 1}]}', 'data.[file.json].a.[name=x].name'),
  'in JSON text, creating': inText('{"a": {}}', 'data.[file.json].a.new.deep', 'create: true'),
  'in JSON text, missing': inText('{"a": {}}', 'data.[file.json].a.new.deep'),
  'in JSON text, a part': inText('{"a": "x/y"}', 'data.[file.json].a', 'delimiter: "/", index: 1'),
  'in a JSON list': inText('[{"a": 1}, {"a": "2"}]', 'data.[file.json].1.a'),
  'in YAML text': inText(
    '# a comment\na:\n  host: x # beside\n  b: "q"\nl:\n- 1\n- two\n',
    'data.[file.json].a.host',
  ),
  'in YAML text, quoted': inText("a:\n  host: 'x'\n", 'data.[file.json].a.host'),
  'in YAML text, creating': inText('a:\n  host: x\n', 'data.[file.json].a.new', 'create: true'),
  'in YAML text, a list': inText('a:\n- name: n\n  v: 1\n', 'data.[file.json].a.[name=n].name'),
  'in text that is a scalar': inText('hello', 'data.[file.json].a'),
};
