/** How a Project is written: its fields, and the model that they become. What is not stated is not allowed, but for kinds of namespaced objects. */
import { z } from 'zod';
import { checkUrlPrefix } from '../config/url-prefix.ts';
import type { Origin } from '../model/fleet.ts';
import type { Project, ProjectSource } from '../model/project.ts';
import { dnsLabel, listMax, path, plainPath, selector, serviceAccountName } from './common-schemas.ts';

const url = z
  .string()
  .max(2_048)
  .superRefine((text, context) => {
    // Charts may come from OCI registries; where such an address begins is told the same way.
    const message = text === '*' ? undefined : checkUrlPrefix(text.replace(/^oci:/, 'https:'));
    if (message !== undefined) context.addIssue({ code: 'custom', message: `${message}, or *` });
  })
  .meta({
    description: 'repositories at or below this URL, such as https://git.example/team-a; *: any repository',
  });

const source = z
  .strictObject({
    url: url.optional(),
    repository: dnsLabel.meta({ description: 'the name of a Repository' }).optional(),
    path: path
      .meta({ description: 'the folder in which sources lie; alone: of the fleet repository' })
      .optional(),
  })
  .refine(
    (one) => one.url === undefined || one.repository === undefined,
    'expected url or repository, not both',
  )
  .refine(
    (one) => Object.values(one).some((value) => value !== undefined),
    'expected url, repository or path: path alone means the fleet repository, whose top is .',
  );

const wild = (description: string) =>
  z
    .string()
    .max(253)
    .regex(/^[A-Za-z0-9.*-]*$/)
    .meta({ description });
const group = wild('an API group such as apps, empty for the core group; * stands for any run of characters');
const kind = wild('a kind such as Deployment; * stands for any run of characters').min(1);
const kindRule = z.strictObject({ group: group.default(''), kind });

const namePattern = z
  .string()
  .max(253)
  .regex(/^[a-z0-9.*:-]+$/)
  .meta({ description: 'a name such as team-a; * stands for any run of characters' });

/** `spec` of a Project. */
export const projectSpec = z.strictObject({
  sources: z.array(source).max(listMax),
  clusters: z.strictObject({
    names: z.array(dnsLabel).max(10_000).default([]),
    selector: selector.optional(),
  }),
  namespaces: z.array(namePattern).max(listMax),
  kinds: z
    .strictObject({
      allow: z.array(kindRule).max(listMax).optional(),
      deny: z.array(kindRule).max(listMax).default([]),
      cluster: z
        .array(
          z.strictObject({
            group: group.default(''),
            kind,
            names: z.array(namePattern).max(listMax).default([]),
          }),
        )
        .max(listMax)
        .default([]),
    })
    .prefault({}),
  serviceAccount: z
    .strictObject({
      name: serviceAccountName.meta({ description: 'a ServiceAccount whose rights the writes have' }),
      namespace: dnsLabel.optional(),
      enforce: z.boolean().default(false),
    })
    .optional(),
});

export function toProject(name: string, spec: z.output<typeof projectSpec>, origin: Origin): Project {
  const { sources, clusters, namespaces, kinds, serviceAccount } = spec;
  return {
    name,
    sources: sources.map(
      (one): ProjectSource => ({
        url: one.url ?? '',
        repository: one.repository ?? '',
        path: plainPath(one.path ?? ''),
      }),
    ),
    clusters: { clusters: clusters.names, selector: clusters.selector },
    namespaces,
    kinds: { allow: kinds.allow, deny: kinds.deny, cluster: kinds.cluster },
    serviceAccount: serviceAccount && {
      name: serviceAccount.name,
      namespace: serviceAccount.namespace ?? '',
      enforce: serviceAccount.enforce,
    },
    origin,
  };
}
