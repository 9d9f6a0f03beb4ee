/** Objects that SOPS has encrypted: what kustomize passes through, so do we. What would break them is refused, which kustomize does not do (README). */
import type { Case } from './cases-basic.ts';

const cipher = (data: string, type = 'str') => `ENC[AES256_GCM,data:${data},iv:x9k=,tag:f0A=,type:${type}]`;
const block = (more: string) => `sops:
    kms: []
    age:
        - recipient: age1qlsnm
          enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSA
            -----END AGE ENCRYPTED FILE-----
    lastmodified: "2026-11-21T10:00:00Z"
    mac: ${cipher('bWFj')}
${more}    version: 3.11.0
`;
const secret = `apiVersion: v1
kind: Secret
metadata:
    name: db
type: Opaque
stringData:
    #${cipher('Y29tbWVudA==', 'comment')}
    password: ${cipher('cGFzcw==')}
    a-user: ${cipher('dXNlcg==')}
    empty: ""
${block('    encrypted_regex: ^(data|stringData)$\n')}`;
const custom = `apiVersion: example.com/v1
kind: Foo
metadata: {name: foo}
spec:
    list: [${cipher('YQ==')}, ${cipher('Yg==', 'int')}]
    port_unencrypted: 80
    on: ${cipher('dHJ1ZQ==', 'bool')}
${block('    unencrypted_suffix: _unencrypted\n')}`;
const json = `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "json"}, "data": {"k": "${cipher('aw==')}"}, "sops": {"mac": "${cipher('bQ==')}", "version": "3.11.0", "encrypted_regex": "^data$", "age": [{"recipient": "age1q", "enc": "x\\n"}]}}`;
const all = { 'app/db.yaml': secret, 'app/foo.yaml': custom, 'app/json.yaml': json };
const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers: [{name: web, image: web:1, envFrom: [{secretRef: {name: db}}]}]
`;

export const sopsCases: Readonly<Record<string, Case>> = {
  'as they are': { ...all, 'app/kustomization.yaml': 'resources: [db.yaml, foo.yaml, json.yaml]\n' },
  'with names, a namespace, labels and annotations': {
    ...all,
    'app/web.yaml': deployment,
    'app/kustomization.yaml':
      'resources: [db.yaml, json.yaml, web.yaml]\nnamePrefix: p-\nnameSuffix: -s\nnamespace: shop\ncommonLabels: {l: v}\ncommonAnnotations: {a: b}\n',
  },
  'through several layers, patched beside what is encrypted': {
    ...all,
    'base/db.yaml': secret,
    'base/kustomization.yaml': 'resources: [db.yaml]\nnamespace: base\n',
    'app/kustomization.yaml':
      'resources: [../base]\nnamespace: app\npatches: [{patch: "{apiVersion: v1, kind: Secret, metadata: {name: db, labels: {a: b}}, type: example.com/own}"}]\n',
  },
};
