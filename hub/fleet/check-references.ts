import type { Application, Fleet } from '../model/fleet.ts';
import type { Problem } from '../model/problem.ts';
import { builtInStrategies, strategyOf } from '../model/strategy.ts';

/** A reference from one resource to another that does not hold. */
export interface BrokenReference {
  readonly application: string;
  readonly path: readonly (string | number)[];
  readonly code: Problem['code'];
  readonly message: string;
}

type References = Pick<Fleet, 'applications' | 'repositories' | 'strategies'>;

/** Repositories and dependencies that are not there, and dependencies that go round in a circle. Pure; sorted by application. */
export function checkReferences(fleet: References): readonly BrokenReference[] {
  const circles = findCircles(fleet.applications);
  return [...fleet.applications.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((application) => checkApplication(application, fleet, circles));
}

function checkApplication(
  { name, source, dependsOn, rollout }: Application,
  fleet: References,
  circles: ReadonlyMap<string, readonly string[]>,
): readonly BrokenReference[] {
  const broken: BrokenReference[] = [];
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
  const circle = circles.get(name);
  if (circle) {
    const message = `depends on itself by ${[...circle, circle[0]].join(' -> ')}: remove one of these dependencies`;
    broken.push({ application: name, path: ['spec', 'dependsOn'], code: 'conflict', message });
  }
  return broken;
}

/** For each application on a circle of dependencies, one such circle that starts with it. Tarjan's strongly connected components would find the same; fleets are small. */
function findCircles(applications: ReadonlyMap<string, Application>): ReadonlyMap<string, readonly string[]> {
  const state = new Map<string, 'open' | 'done'>();
  const circles = new Map<string, readonly string[]>();
  for (const start of [...applications.keys()].sort()) {
    const stack: { name: string; next: number }[] = state.has(start) ? [] : [{ name: start, next: 0 }];
    if (stack.length > 0) state.set(start, 'open');
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const other = applications.get(top.name)?.dependsOn[top.next++];
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
