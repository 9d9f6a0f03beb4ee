import { z } from '@hono/zod-openapi';
import { describeProblem, type Problem } from '../../model/problem.ts';
import { type Person, type Revision, rootRepository, sourceKeyOf } from '../../model/revision.ts';
import type { SourceStatus } from '../../model/source-status.ts';
import type { Resolution } from '../../store/repositories/fleet-repository.ts';
import { problemEntrySchema } from './application.ts';
import { conditionSchema, orNull, pageOf, timeSchema, toCondition, toTime } from './common.ts';

const personSchema = z.object({ name: z.string(), email: z.string(), time: timeSchema }).openapi('Person');

const count = () => z.number().int().nonnegative();
const renderingSchema = z
  .object({
    directoriesBuilt: count().openapi({
      description: 'Folders built and charts run; what was remembered does not count',
    }),
    filesRead: count(),
    filesParsed: count(),
    bytesParsed: count(),
    placements: count().openapi({ description: 'Applications in clusters that could be rendered' }),
    sets: count().openapi({ description: 'Different results among them: the others share one' }),
  })
  .openapi('RevisionRendering');

export const revisionSchema = z
  .object({
    id: z.string(),
    ref: z.string(),
    commit: z.string().openapi({ description: 'Commit of the fleet repository' }),
    parents: z.array(z.string()),
    author: personSchema,
    committer: personSchema,
    message: z.string(),
    sources: z
      .record(z.string(), z.string())
      .openapi({ description: 'Further repositories, `name@ref`, and their commits' }),
    seenAt: timeSchema,
    state: z.enum(['Pending', 'Resolved', 'Failed', 'Superseded']).openapi({
      description:
        'Pending: not read yet. Resolved: rendered without a problem. Failed: something in it could not be read or rendered. Superseded: a later one is in force.',
    }),
    resolved: z.array(z.string()).openapi({ description: 'Applications last rendered from it' }),
    problems: z.array(problemEntrySchema.extend({ application: z.string() }).openapi('RevisionProblem')),
    rendering: orNull(renderingSchema).openapi({
      description: 'What rendering it took, over all looks at it; null where that is not known',
    }),
  })
  .openapi('Revision');
export type ApiRevision = z.infer<typeof revisionSchema>;
export const revisionPageSchema = pageOf('RevisionPage', revisionSchema);

/** What the store knows of how revisions were read. */
export interface Reading {
  /** The newest revision read, and the problems of its fleet folder. */
  readonly revisionId: string | undefined;
  readonly problems: readonly Problem[];
  readonly resolutions: readonly Resolution[];
  /** The newest revision seen, read or not. */
  readonly latestId: string | undefined;
  /** The commit in force of each followed source. */
  readonly heads: ReadonlyMap<string, string | undefined>;
}

/** Whether a revision is what its sources show now: a branch that was set back shows an earlier one, and the latest will never be read. */
function isAtHeads({ ref, commit, sources }: Revision, heads: Reading['heads']): boolean {
  const wanted = { [sourceKeyOf(rootRepository, ref)]: commit.sha, ...sources };
  return Object.entries(wanted).every(([key, sha]) => heads.get(key) === sha);
}

export function toRevision(revision: Revision, reading: Reading): ApiRevision {
  const { commit } = revision;
  const mine = reading.resolutions.filter(({ revisionId }) => revisionId === revision.id);
  const current = revision.id === reading.revisionId;
  const fleet = current ? reading.problems.map((problem) => toEntry('', '', problem)) : [];
  const rendered = mine.flatMap(({ application, problems }) =>
    problems.map(({ cluster, problem }) => toEntry(application, cluster, problem)),
  );
  const problems = [...fleet, ...rendered];
  const pending = revision.id === reading.latestId && !current && isAtHeads(revision, reading.heads);
  const known = current || mine.length > 0;
  return {
    id: revision.id,
    ref: revision.ref,
    commit: commit.sha,
    parents: [...commit.parents],
    author: toPerson(commit.author),
    committer: toPerson(commit.committer),
    message: commit.message,
    sources: { ...revision.sources },
    seenAt: toTime(revision.seenAtMs),
    state: pending ? 'Pending' : !known ? 'Superseded' : problems.length > 0 ? 'Failed' : 'Resolved',
    resolved: mine.map(({ application }) => application).sort(),
    problems,
    rendering: revision.rendering ?? null,
  };
}

function toEntry(application: string, cluster: string, problem: Problem) {
  const { file, line, field } = problem;
  return { application, cluster, file, line, field, message: problem.message || describeProblem(problem) };
}

function toPerson({ name, email, timeMs }: Person) {
  return { name, email, time: toTime(timeMs) };
}

export const sourceSchema = z
  .object({
    key: z.string().openapi({ description: '`name@ref`; an empty name is the root repository' }),
    url: z.string(),
    ref: z.string(),
    head: z.string().nullable().openapi({ description: 'Last good commit; it stays in force' }),
    headSeenAt: timeSchema.nullable(),
    lastAttemptAt: timeSchema,
    conditions: z.array(conditionSchema),
  })
  .openapi('Source');
export type ApiSource = z.infer<typeof sourceSchema>;
export const sourceListSchema = z.object({ items: z.array(sourceSchema) }).openapi('SourceList');

export function toSource(status: SourceStatus): z.infer<typeof sourceSchema> {
  return {
    key: status.key,
    url: status.url,
    ref: status.ref,
    head: status.head ?? null,
    headSeenAt: toTime(status.headSeenAtMs),
    lastAttemptAt: toTime(status.lastAttemptAtMs),
    conditions: status.conditions.map(toCondition),
  };
}
