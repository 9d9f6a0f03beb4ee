import { z } from 'zod';
import { parseDuration } from '../../shared/text/duration.ts';
import type { JsonSchema } from '../fleet/explain-issues.ts';
import { eventTypes } from '../model/event.ts';
import { parseListenAddress } from './listen-address.ts';
import { checkUrlPrefix } from './url-prefix.ts';

const duration = (defaultText: string, leastMs: number) =>
  z
    .string()
    .regex(/^\d{1,9}(?:ms|s|m|h|d)$/)
    .meta({ description: 'a duration such as 15s, 5m, 1h or 30d' })
    .refine((text) => (parseDuration(text) ?? leastMs) >= leastMs, `expected at least ${leastMs} ms`)
    .default(defaultText)
    .transform((text) => parseDuration(text) ?? leastMs);

const filePath = z.string().min(1).max(4_096);

const secretRef = z
  .strictObject({
    file: filePath.optional(),
    env: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/)
      .meta({ description: 'the name of an environment variable' })
      .optional(),
  })
  .refine(
    ({ file, env }) => (file === undefined) !== (env === undefined),
    'expected either {file: PATH} or {env: NAME}',
  )
  .meta({ description: 'where the secret is: {file: PATH} or {env: NAME}, never the secret itself' });

const listenAddress = (defaultText: string) =>
  z
    .string()
    .max(300)
    .refine(
      (text) => parseListenAddress(text) !== undefined,
      'expected HOST:PORT, such as 127.0.0.1:8080 or [::]:8080',
    )
    .default(defaultText);

const advertised = z
  .string()
  .max(300)
  .refine(
    (text) => parseListenAddress(text) !== undefined,
    'expected HOST:PORT as agents reach it, such as hub.example:8443',
  );

const urlPrefix = z
  .string()
  .max(2_048)
  .superRefine((text, context) => {
    const message = checkUrlPrefix(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });

const root = z.strictObject({
  url: z
    .string()
    .min(1)
    .max(2_048)
    .superRefine((text, context) => {
      const message = checkRootUrl(text);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .meta({ description: 'the fleet repository: an https:// or http:// URL, or a path on this machine' }),
  ref: z.string().min(1).max(255).default('main'),
  folder: z
    .string()
    .max(1_024)
    .refine(
      (text) => !text.startsWith('/') && !text.split('/').includes('..'),
      'expected a folder relative to the top of the repository',
    )
    .default('fleet')
    .transform((text) =>
      text
        .split('/')
        .filter((part) => part !== '' && part !== '.')
        .join('/'),
    ),
  pollInterval: duration('15s', 1_000),
});

function checkRootUrl(text: string): string | undefined {
  if (/^[\w.-]+@[\w.-]+:/.test(text)) return 'SSH is not supported: expected an https:// or http:// URL';
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return undefined;
  const url = URL.parse(text);
  if (!url || !['https:', 'http:', 'file:'].includes(url.protocol))
    return 'expected an https:// or http:// URL, or a path on this machine';
  if (url.username !== '' || url.password !== '')
    return 'a URL may not hold a user name or password: write them under credentials';
  return undefined;
}

const credential = z
  .strictObject({
    urlPrefix,
    username: z.string().min(1).max(255).default('git'),
    password: secretRef.optional(),
    token: secretRef.optional(),
  })
  .refine(
    ({ password, token }) => (password === undefined) !== (token === undefined),
    'expected either password or token',
  );

const notification = z.strictObject({
  url: z
    .string()
    .max(2_048)
    .refine(
      (text) => ['https:', 'http:'].includes(URL.parse(text)?.protocol ?? ''),
      'expected an https:// or http:// URL',
    ),
  types: z
    .array(
      z
        .string()
        .refine(
          (text) => knownEventParts.has(text),
          `expected event types or their first part: ${[...eventTypes].join(', ')}`,
        ),
    )
    .max(100)
    .default([]),
  secret: secretRef.optional(),
});

const knownEventParts: ReadonlySet<string> = new Set(
  eventTypes.flatMap((type) => [type, type.split('.')[0] ?? type]),
);

/** The configuration file. Unknown fields are errors. */
export const configSchema = z.strictObject({
  root,
  dataDir: filePath.default('./fairway-data'),
  listen: z
    .strictObject({
      api: listenAddress('127.0.0.1:8080'),
      agent: listenAddress('0.0.0.0:8443'),
      enrolment: listenAddress('0.0.0.0:8444'),
    })
    .prefault({}),
  tls: z
    .strictObject({ certificateFile: filePath, keyFile: filePath })
    .meta({ description: 'PEM files with which the API is served over HTTPS' })
    .optional(),
  advertise: z
    .strictObject({
      agent: z.array(advertised).max(10).optional(),
      enrolment: advertised.optional(),
      serverName: z
        .string()
        .regex(/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/)
        .meta({ description: 'a host name' })
        .default('fairway-hub'),
    })
    .prefault({}),
  store: z.strictObject({ sqlite: filePath.optional() }).prefault({}),
  retention: z
    .strictObject({
      events: duration('30d', 60_000),
      releases: duration('30d', 60_000),
      releasesKept: z.int().min(1).max(10_000).default(20),
      rollouts: duration('90d', 60_000),
      rolloutsKept: z.int().min(1).max(10_000).default(100),
    })
    .prefault({}),
  credentials: z.array(credential).max(1_000).default([]),
  webhooks: z
    .array(z.strictObject({ provider: z.enum(['github', 'gitlab', 'gitea', 'generic']), secret: secretRef }))
    .max(100)
    .default([]),
  notifications: z.array(notification).max(100).default([]),
  egress: z.strictObject({ allow: z.array(urlPrefix).max(1_000).default([]) }).prefault({}),
  deletion: z.strictObject({ confirmAbove: z.int().min(0).max(1_000_000).default(10) }).prefault({}),
  helm: z
    .strictObject({
      binary: filePath.default('helm'),
      timeout: duration('30s', 1_000),
      memoryMiB: z.int().min(64).max(65_536).default(512),
    })
    .prefault({}),
  commits: z
    .strictObject({
      name: z
        .string()
        .min(1)
        .max(200)
        .regex(/^[^<>\n]+$/)
        .meta({ description: 'a name without < and >' }),
      email: z
        .string()
        .max(320)
        .regex(/^[^<>\s@]+@[^<>\s@]+$/)
        .meta({ description: 'an address such as fairway@example.com' }),
    })
    .meta({ description: 'whose commits the reverts of failed releases are; without it none are written' })
    .optional(),
  dataKey: secretRef.optional(),
  metrics: z.strictObject({ openOnLoopback: z.boolean().default(true) }).prefault({}),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
      format: z.enum(['json', 'text']).default('json'),
    })
    .prefault({}),
});

export type ConfigDocument = z.output<typeof configSchema>;

let published: JsonSchema | undefined;

/** JSON Schema (draft 2020-12) of the configuration file. Committed in `schema.json`. */
export function configJsonSchema(): JsonSchema {
  published ??= {
    $id: 'https://fairway.dev/schemas/hub-config.json',
    title: 'Configuration of the Fairway hub',
    ...(z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' }) as JsonSchema),
  };
  return published;
}
