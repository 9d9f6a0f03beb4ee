import type { KubeObject } from '../../shared/manifest/object.ts';
import { problemError } from './render-error.ts';
import type { Resource } from './resource.ts';

const ownPolicies: ReadonlySet<string> = new Set(['before-hook-creation', 'hook-succeeded', 'hook-failed']);
const argoPolicies: ReadonlySet<string> = new Set(['BeforeHookCreation', 'HookSucceeded', 'HookFailed']);

interface Rule {
  readonly annotation: string;
  readonly expected: string;
  readonly holds: (value: string) => boolean;
}

const isListOf = (words: ReadonlySet<string>) => (value: string) =>
  value.split(',').every((word) => words.has(word.trim()));

const hookRules: readonly Rule[] = [
  {
    annotation: 'fairway.dev/hook-delete-policy',
    expected: `a list of ${[...ownPolicies].join(', ')}`,
    holds: isListOf(ownPolicies),
  },
  {
    annotation: 'helm.sh/hook-delete-policy',
    expected: `a list of ${[...ownPolicies].join(', ')}`,
    holds: isListOf(ownPolicies),
  },
  {
    annotation: 'argocd.argoproj.io/hook-delete-policy',
    expected: `a list of ${[...argoPolicies].join(', ')}`,
    holds: isListOf(argoPolicies),
  },
  {
    annotation: 'fairway.dev/hook-timeout',
    expected: 'a time such as 90s, 10m or 2h',
    holds: (value) => /^[1-9]\d{0,5}[smh]?$/.test(value),
  },
  {
    annotation: 'fairway.dev/hook-logs',
    expected: '"true" or "false"',
    holds: (value) => value === 'true' || value === 'false',
  },
];

const recreateRule: Rule = {
  annotation: 'fairway.dev/recreate',
  expected: '"true" or "false"',
  holds: (value) => value === 'true' || value === 'false',
};

/**
 * What annotations say of how the agent is to treat the object. Words it would not know are found here, where file and line are known.
 * @throws a Problem, invalid_manifest.
 */
export function checkAgentAnnotations(resource: Resource, isHook: boolean): void {
  const annotations = (resource.object as KubeObject).metadata.annotations as
    | Readonly<Record<string, unknown>>
    | null
    | undefined;
  for (const { annotation, expected, holds } of isHook ? [...hookRules, recreateRule] : [recreateRule]) {
    const value = annotations?.[annotation];
    if (value === undefined || value === null || holds(String(value))) continue;
    throw problemError(
      'invalid_manifest',
      { ...resource.place, field: `metadata.annotations[${annotation}]` },
      `expected ${expected}, found ${JSON.stringify(value)}`,
    );
  }
}
