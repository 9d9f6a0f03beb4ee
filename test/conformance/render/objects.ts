/** Objects that many cases start from. */

export const deployment = (name = 'web', extra = ''): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  labels:
    app: ${name}
spec:
  replicas: 1
  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
    spec:
      serviceAccountName: ${name}
      initContainers:
      - name: init
        image: busybox:1.36
      containers:
      - name: main
        image: registry.example:5000/team/${name}:1.0
        ports:
        - containerPort: 8080
          name: http
        env:
        - name: MODE
          value: base
        - name: FROM
          valueFrom:
            configMapKeyRef:
              name: settings
              key: mode
        envFrom:
        - secretRef:
            name: credentials
        volumeMounts:
        - name: settings
          mountPath: /etc/settings
      - name: sidecar
        image: envoy@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
      volumes:
      - name: settings
        configMap:
          name: settings
      - name: scratch
        emptyDir: {}
${extra}`;

export const service = (name = 'web'): string => `apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  selector:
    app: ${name}
  ports:
  - port: 80
    targetPort: http
`;

export const configMap = (name: string, data = 'mode: fast'): string => `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}
data:
  ${data}
`;

export const rbac = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: reader
rules:
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [settings]
  verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: web
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: reader
subjects:
- kind: ServiceAccount
  name: web
- kind: ServiceAccount
  name: default
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: reader
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: web
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: reader
subjects:
- kind: ServiceAccount
  name: web
  namespace: default
`;
