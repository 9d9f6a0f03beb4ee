/** `fairway render --path DIR --write FOLDER`: everything that a fleet repository gives, as files, each written as it comes. */
import { mkdir, open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FairwayError } from '../../../shared/error/error.ts';
import { parseExactJson } from '../../../shared/manifest/exact-json.ts';
import { maskSecret } from '../../../shared/manifest/masking.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import { readFleet } from '../../fleet/read-fleet.ts';
import { openTrees } from '../../loops/preview/preview-side.ts';
import { createFleetRenderer, placeAll } from '../../loops/resolve/render-fleet.ts';
import { emptyFleet, type Fleet } from '../../model/fleet.ts';
import { describeProblem, type Problem } from '../../model/problem.ts';
import type { RenderedSet } from '../../model/rendered.ts';
import type { RemoteTrees, TreeReader } from '../../model/tree.ts';
import type { Renderer } from '../../render/renderer.ts';
import type { CliIo } from '../io.ts';
import { type PrintableJson, renderKustomizeYaml } from '../output/kustomize-yaml.ts';
import { openOther } from '../preview/diff-on-disk.ts';
import { openOwnRepository } from '../preview/own-repository.ts';

export interface WriteRequest {
  /** The top of the repository that `tree` is of. */
  readonly top: string;
  readonly tree: TreeReader;
  readonly fleetFolder: string;
  readonly folder: string;
  /** These only; undefined: all. */
  readonly application: string | undefined;
  readonly cluster: string | undefined;
  readonly showSecrets: boolean;
  readonly renderer: Renderer;
  readonly remotes: RemoteTrees;
}

export interface Written {
  readonly sets: number;
  readonly objects: number;
  /** Described; the same problem of many clusters once, and at most so many as problemsMax. */
  readonly problems: readonly string[];
}

/** Progress is told as often. */
const toldEverySets = 500;
/** Problems that are told one by one. */
const problemsMax = 50;

/**
 * Writes FOLDER/CLUSTER/APPLICATION.yaml for each application and cluster that it is placed on, as rendering alone gives it. Files of sets that cannot be rendered are
 * left as they are, and so is all else in the folder. @throws not_found for names that are not in the fleet.
 */
export async function renderToFolder(request: WriteRequest, io: CliIo): Promise<Written> {
  const { tree, fleetFolder, application, cluster, remotes } = request;
  const { signal } = io;
  const own = await openOwnRepository(request.top);
  const fleet = await readFleet({ tree, folder: fleetFolder, previous: emptyFleet, signal });
  checkNames(fleet, request);
  const placements = new Map(
    [...placeAll(fleet)].map(([name, placed]) => [
      name,
      {
        ...placed,
        clusters: placed.clusters.filter((one) => (application ?? name) === name && (cluster ?? one) === one),
      },
    ]),
  );
  const problems = createProblemList(fleet.problems);
  const counts = { sets: 0, objects: 0 };
  const files = createSetWriter(resolve(io.cwd, request.folder), request.showSecrets);
  await createFleetRenderer(request.renderer).render({
    ...{ fleet, placements, signal, memory: 'none' },
    treeOf: openTrees(
      {
        ...{ tree, rootUrl: own.url },
        treeOf: async (key, { repositories }) => openOther(own, key, repositories, { remotes, signal }),
      },
      fleet,
    ),
    take: async ({ name }, { name: placed }, result) => {
      if (!result.ok) return problems.add(name, placed, result.problems);
      await files.write(placed, name, result.rendered);
      counts.sets += 1;
      counts.objects += result.rendered.set.entries.length;
      if (counts.sets % toldEverySets === 0) io.stderr(`${counts.sets} sets written\n`);
    },
  });
  return { ...counts, problems: problems.told() };
}

function checkNames({ applications, clusters }: Fleet, { application, cluster }: WriteRequest): void {
  if (application !== undefined && !applications.has(application))
    throw new FairwayError('not_found', `There is no Application ${application} in the fleet folder.`);
  if (cluster !== undefined && !clusters.has(cluster))
    throw new FairwayError('not_found', `There is no Cluster ${cluster} in the fleet folder.`);
}

/** Messages may name the cluster; the same mistake is told once all the same, as the first cluster has it. */
function createProblemList(ofFleet: readonly Problem[]) {
  const known = new Map<string, string>(
    ofFleet.map((problem) => [describeProblem(problem), describeProblem(problem)]),
  );
  let untold = 0;
  return {
    add(application: string, cluster: string, problems: readonly Problem[]): void {
      for (const problem of problems) {
        const message = problem.message.replaceAll(cluster, '*');
        const key = `${application}: ${describeProblem({ ...problem, message })}`;
        if (known.has(key)) continue;
        if (known.size < problemsMax) known.set(key, `${application}: ${describeProblem(problem)}`);
        else untold += 1;
      }
    },
    told: (): readonly string[] =>
      untold === 0
        ? [...known.values()]
        : [...known.values(), `and ${untold} more, which are not told one by one`],
  };
}

function createSetWriter(top: string, showSecrets: boolean) {
  const made = new Set<string>();
  return {
    async write(cluster: string, application: string, rendered: RenderedSet): Promise<void> {
      const path = join(top, cluster, `${application}.yaml`);
      const folder = dirname(path);
      if (!made.has(folder)) await mkdir(folder, { recursive: true });
      made.add(folder);
      // Object by object: the text of a large set is never whole in memory.
      const file = await open(path, 'w');
      try {
        for (const [index, { objectDigest }] of rendered.set.entries.entries())
          await file.write(
            (index === 0 ? '' : '---\n') + textOf(rendered.objects.get(objectDigest)?.content, showSecrets),
          );
      } finally {
        await file.close();
      }
    },
  };
}

function textOf(content: string | undefined, showSecrets: boolean): string {
  if (content === undefined) throw new FairwayError('internal', 'a rendered object is missing');
  const object = parseExactJson(content) as unknown as KubeObject;
  return renderKustomizeYaml((showSecrets ? object : maskSecret(object)) as PrintableJson);
}
