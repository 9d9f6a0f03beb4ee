import type { Application, Fleet } from '../model/fleet.ts';
import type { Problem } from '../model/problem.ts';
import { defaultProject } from '../model/project.ts';
import { partnerOf, partnersOf, promotionOf } from '../model/promotion.ts';
import { builtInStrategies, strategyOf } from '../model/strategy.ts';

/** A reference from one resource to another that does not hold. */
export interface BrokenReference {
  readonly application: string;
  readonly path: readonly (string | number)[];
  readonly code: Problem['code'];
  readonly message: string;
}

type References = Pick<Fleet, 'applications' | 'repositories' | 'strategies' | 'projects'>;

/** Repositories and dependencies that are not there, and dependencies that go round in a circle. Pure; sorted by application. */
export function checkReferences(
  fleet: References,
  /** Names of Projects whose text cannot be read: what they would forbid is not known. */
  unread: ReadonlySet<string> = new Set(),
): readonly BrokenReference[] {
  const circles = {
    dependsOn: findCircles(fleet.applications, (name) => fleet.applications.get(name)?.dependsOn ?? []),
    after: promotionCircles(fleet),
  };
  return [...fleet.applications.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((application) => [
      ...checkProject(application, fleet, unread),
      ...checkApplication(application, fleet, circles),
    ]);
}

/** An Application whose Project is not known may do nothing new; `default` need not be written. */
function checkProject(
  { name, project = defaultProject }: Application,
  { projects }: References,
  unread: ReadonlySet<string>,
): readonly BrokenReference[] {
  if (projects.has(project) || (project === defaultProject && !unread.has(project))) return [];
  const message = unread.has(project)
    ? `Project ${project} cannot be read, so what it allows is not known: mend it`
    : `there is no Project ${project}: add it, or leave the field out for the project ${defaultProject}`;
  return [{ application: name, path: ['spec', 'project'], code: 'not_found', message }];
}

function checkApplication(
  application: Application,
  fleet: References,
  circles: { readonly dependsOn: Circles; readonly after: Circles },
): readonly BrokenReference[] {
  const { name, source, dependsOn, rollout } = application;
  const broken: BrokenReference[] = [...checkPromotion(application, fleet, circles.after)];
  if (source.repository !== '' && !fleet.repositories.has(source.repository))
    broken.push({
      application: name,
      path: ['spec', 'source', 'repository'],
      code: 'not_found',
      message: `there is no Repository ${source.repository}: add it, or leave the field out for the fleet repository itself`,
    });
  if (rollout && 'strategy' in rollout && strategyOf(rollout, fleet.strategies) === undefined)
    broken.push({
      application: name,
      path: ['spec', 'rollout', 'strategy'],
      code: 'not_found',
      message: `there is no RolloutStrategy ${rollout.strategy}: add it, or take a built-in one (${Object.keys(builtInStrategies).join(', ')})`,
    });
  dependsOn.forEach((other, index) => {
    if (fleet.applications.has(other)) return;
    const message = `there is no Application ${other}: add it, or remove the dependency`;
    broken.push({ application: name, path: ['spec', 'dependsOn', index], code: 'not_found', message });
  });
  const circle = circles.dependsOn.get(name);
  if (circle) {
    const message = `depends on itself by ${[...circle, circle[0]].join(' -> ')}: remove one of these dependencies`;
    broken.push({ application: name, path: ['spec', 'dependsOn'], code: 'conflict', message });
  }
  return broken;
}

type Circles = ReadonlyMap<string, readonly string[]>;

function promotionCircles(fleet: References): Circles {
  const partners = partnersOf(fleet);
  return findCircles(fleet.applications, (name) => {
    const partner = partners.get(name)?.partner;
    return partner === undefined ? [] : [partner];
  });
}

/** The Application that it waits for is there, and does not wait for it. */
function checkPromotion(
  application: Application,
  fleet: References,
  circles: Circles,
): readonly BrokenReference[] {
  const { name, rollout } = application;
  const after = promotionOf(application, fleet.strategies);
  if (after === undefined || rollout === undefined) return [];
  // What is wrong stands where it was written: an Application of its own, or the strategy that it takes.
  const field = after.application === '' ? 'environment' : 'application';
  const own = rollout.after
    ? ['spec', 'rollout', 'after', field]
    : ['spec', 'rollout', ...('inline' in rollout ? ['inline', 'after', field] : ['strategy'])];
  const by =
    rollout.after || 'inline' in rollout ? '' : `the strategy wants environment ${after.environment}: `;
  const partner = partnerOf(application, after, fleet.applications);
  if ('missing' in partner)
    return [{ application: name, path: own, code: 'not_found', message: `${by}${partner.missing}` }];
  const circle = circles.get(name);
  if (circle === undefined) return [];
  const message = `waits for itself by ${[...circle, circle[0]].join(' -> ')}: remove one of these`;
  return [{ application: name, path: own, code: 'conflict', message }];
}

/** For each application on a circle, one such circle that starts with it. Tarjan's strongly connected components would find the same; fleets are small. */
function findCircles(
  applications: ReadonlyMap<string, Application>,
  edges: (name: string) => readonly string[],
): Circles {
  const state = new Map<string, 'open' | 'done'>();
  const circles = new Map<string, readonly string[]>();
  for (const start of [...applications.keys()].sort()) {
    const stack: { name: string; next: number }[] = state.has(start) ? [] : [{ name: start, next: 0 }];
    if (stack.length > 0) state.set(start, 'open');
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const other = edges(top.name)[top.next++];
      if (other === undefined) {
        state.set(top.name, 'done');
        stack.pop();
      } else if (state.get(other) === 'open') {
        const circle = stack.slice(stack.findIndex(({ name }) => name === other)).map(({ name }) => name);
        for (const [index, name] of circle.entries())
          circles.set(name, [...circle.slice(index), ...circle.slice(0, index)]);
      } else if (!state.has(other) && applications.has(other)) {
        state.set(other, 'open');
        stack.push({ name: other, next: 0 });
      }
    }
  }
  return circles;
}
