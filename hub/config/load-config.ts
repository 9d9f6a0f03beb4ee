/**
 * The hub's own configuration: defaults, under a YAML file, under environment variables, under options of the command line; a root repository's URL is
 * enough. It says where secrets are and never holds one: they are read where they are used. Errors name the file, line and field, or the variable.
 */
import { join } from 'node:path';
import { FairwayError } from '../../shared/error/error.ts';
import { explainIssues } from '../fleet/explain-issues.ts';
import {
  type FieldPath,
  fieldText,
  findLine,
  readYamlDocuments,
  type YamlDocument,
} from '../fleet/yaml-document.ts';
import { describeProblem, type Problem } from '../model/problem.ts';
import type { HubConfig, SecretRef } from './config.ts';
import { type ConfigDocument, configJsonSchema, configSchema } from './config-schema.ts';
import { type ListenAddress, listenAddressText, parseListenAddress } from './listen-address.ts';
import { applyOverrides, type Override, readOverrides } from './overrides.ts';

export interface LoadConfigRequest {
  /** Undefined: no file. */
  readonly path?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => Promise<string>;
  /** From the command line, by dotted path: `{'root.url': '...'}`. */
  readonly overrides?: Readonly<Record<string, string | undefined>> | undefined;
}

/** Variables with which the environment alone names the root repository's credential. */
export const rootUsernameVariable = 'FAIRWAY_ROOT_USERNAME';
export const rootPasswordVariable = 'FAIRWAY_ROOT_PASSWORD';

/**
 * Loads and checks the configuration. With FAIRWAY_ROOT_PASSWORD set (and FAIRWAY_ROOT_USERNAME, default git) that is the root repository's credential.
 * @throws not_found when the file cannot be read; invalid_argument with every problem, a line each (`details.problems`).
 */
export async function loadConfig({
  path,
  env,
  readFile,
  overrides: options = {},
}: LoadConfigRequest): Promise<HubConfig> {
  const document = path === undefined ? undefined : await readDocument(path, readFile);
  const overrides = readOverrides(env, options);
  const merged = applyOverrides(document?.value ?? {}, overrides);
  const parsed = configSchema.safeParse(merged);
  if (!parsed.success) {
    const errors = explainIssues(parsed.error.issues, merged, configJsonSchema());
    throw refuse(errors.map((error) => placeError(error.path, error.message, { path, document, overrides })));
  }
  const doubled = findDoubledPrefix(parsed.data);
  if (doubled) throw refuse([placeError(doubled.path, doubled.message, { path, document, overrides })]);
  return finish(parsed.data, env);
}

async function readDocument(
  path: string,
  readFile: LoadConfigRequest['readFile'],
): Promise<YamlDocument | undefined> {
  let text: string;
  try {
    text = await readFile(path);
  } catch (cause) {
    throw new FairwayError(
      'not_found',
      `the configuration file ${path} cannot be read: check that it is there and readable`,
      { subject: path, cause },
    );
  }
  const [document, second] = readYamlDocuments(text);
  const broken = (line: number, message: string) =>
    refuse([{ code: 'invalid_manifest', file: path, line, field: '', message }]);
  if (document?.error) throw broken(document.error.line, `is no valid YAML: ${document.error.message}`);
  if (second) throw broken(second.firstLine, 'expected one YAML document: remove what follows ---');
  return document;
}

interface Places {
  readonly path: string | undefined;
  readonly document: YamlDocument | undefined;
  readonly overrides: readonly Override[];
}

function placeError(field: FieldPath, message: string, { path, document, overrides }: Places): Problem {
  const override = overrides.find((one) => one.path.every((part, index) => field[index] === part));
  const base = { code: 'invalid_manifest', field: fieldText(field), message } as const;
  if (override) return { ...base, file: override.source, line: 0, field: '' };
  if (fieldText(field) === 'root.url' || fieldText(field) === 'root')
    if (message.startsWith('is required'))
      return {
        ...base,
        file: path ?? '',
        line: 0,
        field: 'root.url',
        message: "is required: name the fleet repository's URL there or in FAIRWAY_ROOT_URL",
      };
  return { ...base, file: path ?? '', line: document ? findLine(document, field) : 0 };
}

function refuse(problems: readonly Problem[]): FairwayError {
  return new FairwayError('invalid_argument', problems.map(describeProblem).join('\n'), {
    details: { problems },
  });
}

function findDoubledPrefix({
  credentials,
}: ConfigDocument): { readonly path: FieldPath; readonly message: string } | undefined {
  const seen = new Map<string, number>();
  for (const [index, { urlPrefix }] of credentials.entries()) {
    const first = seen.get(normalPrefix(urlPrefix));
    if (first !== undefined)
      return {
        path: ['credentials', index, 'urlPrefix'],
        message: `is the same as that of credentials[${first}]: keep one of them`,
      };
    seen.set(normalPrefix(urlPrefix), index);
  }
  return undefined;
}

function normalPrefix(prefix: string): string {
  return new URL(prefix).href.replace(/\/+$/, '');
}

function finish(document: ConfigDocument, env: LoadConfigRequest['env']): HubConfig {
  const { root, advertise, store, retention, helm, dataDir, dataKey, ...rest } = document;
  const listen = {
    api: listenOf(document.listen.api),
    agent: listenOf(document.listen.agent),
    enrolment: listenOf(document.listen.enrolment),
  };
  const { pollInterval, ...rootRest } = root;
  return {
    ...rest,
    root: { ...rootRest, pollIntervalMs: pollInterval },
    dataDir,
    listen,
    advertise: {
      agent: advertise.agent ?? [reachable(listen.agent)],
      enrolment: advertise.enrolment ?? reachable(listen.enrolment),
      serverName: advertise.serverName,
    },
    store: { sqlite: store.sqlite ?? join(dataDir, 'fairway.db') },
    retention: {
      eventsMs: retention.events,
      releasesMs: retention.releases,
      releasesKept: retention.releasesKept,
      rolloutsMs: retention.rollouts,
      rolloutsKept: retention.rolloutsKept,
    },
    helm: {
      binary: helm.binary,
      timeoutMs: helm.timeout,
      memoryBytesMax: helm.memoryMiB * 1024 * 1024,
    },
    credentials: credentialsOf(document, env),
    notifications: document.notifications.map(({ url, types, secret }) => ({ url, types, secret })),
    dataKey,
    tls: document.tls,
  };
}

function credentialsOf(
  { root, credentials }: ConfigDocument,
  env: LoadConfigRequest['env'],
): HubConfig['credentials'] {
  const written = credentials.map(({ urlPrefix, username, password, token }) => ({
    urlPrefix,
    username,
    secret: oneOf(password, token),
  }));
  const hasRoot = /^https?:/i.test(root.url) && (env[rootPasswordVariable] ?? '') !== '';
  const already = written.some(
    ({ urlPrefix }) => hasRoot && normalPrefix(urlPrefix) === normalPrefix(root.url),
  );
  if (!hasRoot || already) return written;
  return [
    ...written,
    {
      urlPrefix: root.url,
      username: env[rootUsernameVariable] || 'git',
      secret: { env: rootPasswordVariable },
    },
  ];
}

function oneOf(password: SecretRef | undefined, token: SecretRef | undefined): SecretRef {
  return password ?? token ?? {};
}

function listenOf(text: string): ListenAddress {
  const address = parseListenAddress(text);
  if (!address) throw new FairwayError('internal', 'a listen address was not checked');
  return address;
}

function reachable({ host, port }: ListenAddress): string {
  return listenAddressText({ host: host === '0.0.0.0' || host === '::' ? 'localhost' : host, port });
}
