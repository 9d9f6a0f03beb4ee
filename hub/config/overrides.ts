type OverrideKind = 'text' | 'number' | 'boolean' | 'list' | 'file';

/** A setting that an environment variable or an option may override. */
export interface OverridableSetting {
  readonly variable: string;
  /** Dotted path in the configuration file. */
  readonly path: string;
  /** Lists are separated by commas; `file` becomes {file: ...} and so takes the place of {env: ...}. */
  readonly kind: OverrideKind;
}

export const overridableSettings: readonly OverridableSetting[] = [
  { variable: 'FAIRWAY_ROOT_URL', path: 'root.url', kind: 'text' },
  { variable: 'FAIRWAY_ROOT_REF', path: 'root.ref', kind: 'text' },
  { variable: 'FAIRWAY_ROOT_PATH', path: 'root.folder', kind: 'text' },
  { variable: 'FAIRWAY_ROOT_POLL_INTERVAL', path: 'root.pollInterval', kind: 'text' },
  { variable: 'FAIRWAY_DATA_DIR', path: 'dataDir', kind: 'text' },
  { variable: 'FAIRWAY_API_LISTEN', path: 'listen.api', kind: 'text' },
  { variable: 'FAIRWAY_AGENT_LISTEN', path: 'listen.agent', kind: 'text' },
  { variable: 'FAIRWAY_ENROLMENT_LISTEN', path: 'listen.enrolment', kind: 'text' },
  { variable: 'FAIRWAY_TLS_CERTIFICATE_FILE', path: 'tls.certificateFile', kind: 'text' },
  { variable: 'FAIRWAY_TLS_KEY_FILE', path: 'tls.keyFile', kind: 'text' },
  { variable: 'FAIRWAY_ADVERTISE_AGENT', path: 'advertise.agent', kind: 'list' },
  { variable: 'FAIRWAY_ADVERTISE_ENROLMENT', path: 'advertise.enrolment', kind: 'text' },
  { variable: 'FAIRWAY_SERVER_NAME', path: 'advertise.serverName', kind: 'text' },
  { variable: 'FAIRWAY_STORE_SQLITE', path: 'store.sqlite', kind: 'text' },
  { variable: 'FAIRWAY_RETENTION_EVENTS', path: 'retention.events', kind: 'text' },
  { variable: 'FAIRWAY_RETENTION_RELEASES', path: 'retention.releases', kind: 'text' },
  { variable: 'FAIRWAY_RETENTION_RELEASES_KEPT', path: 'retention.releasesKept', kind: 'number' },
  { variable: 'FAIRWAY_RETENTION_ROLLOUTS', path: 'retention.rollouts', kind: 'text' },
  { variable: 'FAIRWAY_RETENTION_ROLLOUTS_KEPT', path: 'retention.rolloutsKept', kind: 'number' },
  { variable: 'FAIRWAY_EGRESS_ALLOW', path: 'egress.allow', kind: 'list' },
  { variable: 'FAIRWAY_CONFIRM_ABOVE', path: 'deletion.confirmAbove', kind: 'number' },
  { variable: 'FAIRWAY_DATA_KEY_FILE', path: 'dataKey', kind: 'file' },
  { variable: 'FAIRWAY_METRICS_OPEN', path: 'metrics.openOnLoopback', kind: 'boolean' },
  { variable: 'FAIRWAY_LOG_LEVEL', path: 'log.level', kind: 'text' },
  { variable: 'FAIRWAY_LOG_FORMAT', path: 'log.format', kind: 'text' },
];

/** One override that was given. `source` is what people know it by: the variable, or the option's path. */
export interface Override {
  readonly source: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Options win over the environment; empty variables count as not given. Unknown options are left out: the caller's parser knows them. */
export function readOverrides(
  env: Readonly<Record<string, string | undefined>>,
  options: Readonly<Record<string, string | undefined>>,
): readonly Override[] {
  return overridableSettings.flatMap(({ variable, path, kind }) => {
    const option = options[path];
    const text = option ?? env[variable];
    if (text === undefined || text === '') return [];
    return [
      {
        source: option === undefined ? variable : `option ${path}`,
        path: path.split('.'),
        value: convertText(text, kind),
      },
    ];
  });
}

/** What cannot be converted stays text, so that the schema says what was expected. */
function convertText(text: string, kind: OverrideKind): unknown {
  if (kind === 'list')
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  if (kind === 'file') return { file: text };
  if (kind === 'number' && /^-?\d+$/.test(text)) return Number(text);
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** The document with the overrides put in; parts that are no objects are left for the schema to refuse. */
export function applyOverrides(document: unknown, overrides: readonly Override[]): unknown {
  return overrides.reduce((merged, { path, value }) => setAt(merged, path, value), document);
}

function setAt(document: unknown, path: readonly string[], value: unknown): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  if (
    document !== undefined &&
    document !== null &&
    (typeof document !== 'object' || Array.isArray(document))
  )
    return document;
  const members = (document ?? {}) as Readonly<Record<string, unknown>>;
  return { ...members, [part]: setAt(members[part], rest, value) };
}
