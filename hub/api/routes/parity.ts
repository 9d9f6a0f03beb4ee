import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import { listNames } from '../../../shared/text/list-names.ts';
import { jsonEndpoint } from '../endpoint.ts';
import { planPage } from '../paging.ts';
import type { ApiPorts } from '../ports.ts';
import { applicationNameSchema, nameSchema, pageQuery } from '../schemas/common.ts';
import {
  classSchema,
  comparisonSchema,
  countDifferences,
  differencePageSchema,
  expectationPageSchema,
  expectationStateSchema,
  momentPageSchema,
  parityPageSchema,
  paritySchema,
  severitySchema,
  toDifference,
  toExpectations,
  toMoment,
  toParity,
  verdictSchema,
} from '../schemas/parity.ts';

const groupParams = z.object({ group: nameSchema.openapi({ example: 'shop-eu' }) });

/** Of one comparison of two clusters. */
const differencesMax = 5_000;

/** Groups that are named to who asks for another one. */
const namedMax = 10;

function viewOf({ parity }: ApiPorts, name: string) {
  const view = parity.group(name);
  if (view !== undefined) return view;
  const names = parity.groups().map(({ group }) => group.name);
  const known = names.length === 0 ? 'there are none' : `there are ${listNames(names, namedMax)}`;
  throw new FairwayError(
    'not_found',
    `There is no parity group "${name}", or it was not compared yet; ${known}.`,
  );
}

export const parityEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/parity',
    operationId: 'listParity',
    summary: 'Lists the parity groups with their verdicts: may they fail over?',
    tag: 'parity',
    query: z.object({ verdict: verdictSchema.optional(), ...pageQuery }),
    reply: parityPageSchema,
    async handle({ query: { verdict, ...page } }, { parity, failovers }) {
      const open = await failovers.open();
      const chosen = parity
        .groups()
        .filter(({ state }) => verdict === undefined || state.report.verdict === verdict);
      return planPage(
        chosen,
        page,
        ({ group }) => group.name,
        (view) => toParity(view, open),
      );
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/parity/{group}',
    operationId: 'getParity',
    summary: 'Shows a parity group: verdict, score, every reason with what to do, and its expectations',
    tag: 'parity',
    params: groupParams,
    reply: paritySchema,
    errors: ['not_found'],
    async handle({ params }, ports) {
      return toParity(viewOf(ports, params.group), await ports.failovers.open());
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/parity/{group}/differences',
    operationId: 'listParityDifferences',
    summary: 'Lists every difference of a parity group, classified',
    tag: 'parity',
    params: groupParams,
    query: z.object({
      class: classSchema.optional(),
      severity: severitySchema.optional(),
      standby: nameSchema.optional(),
      application: applicationNameSchema.optional(),
      ...pageQuery,
    }),
    reply: differencePageSchema,
    errors: ['not_found'],
    async handle({ params, query }, ports) {
      viewOf(ports, params.group);
      const { limit, cursor, class: kind, severity, standby, application } = query;
      const chosen = ports.parity
        .differences(params.group)
        .filter(
          (one) =>
            (kind === undefined || one.class === kind) &&
            (severity === undefined || one.severity === severity) &&
            (standby === undefined || one.standby === standby) &&
            (application === undefined || one.application === application),
        );
      const keyOf = (one: (typeof chosen)[number]) =>
        [one.standby, one.application, one.originId, one.path, one.id].join('\n');
      return planPage(chosen, { limit, cursor }, keyOf, toDifference);
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/parity/{group}/expectations',
    operationId: 'listParityExpectations',
    summary: 'Lists what may differ in a parity group, and how many differences each expectation covers now',
    tag: 'parity',
    params: groupParams,
    query: z.object({
      state: expectationStateSchema.optional(),
      owner: z.string().min(1).max(253).optional(),
      ...pageQuery,
    }),
    reply: expectationPageSchema,
    errors: ['not_found'],
    async handle({ params, query }, ports) {
      const all = toExpectations(viewOf(ports, params.group), ports.parity.differences(params.group));
      const { state, owner, ...page } = query;
      const chosen = all.filter(
        (one) => (state === undefined || one.state === state) && (owner === undefined || one.owner === owner),
      );
      return planPage(
        chosen,
        page,
        ({ name }) => name,
        (one) => one,
      );
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/parity/{group}/timeline',
    operationId: 'getParityTimeline',
    summary: 'Shows when the verdict and the kinds of difference of a parity group changed, newest first',
    tag: 'parity',
    params: groupParams,
    query: z.object(pageQuery),
    reply: momentPageSchema,
    errors: ['not_found'],
    async handle({ params, query }, ports) {
      viewOf(ports, params.group);
      const page = await ports.parity.timeline(params.group, query);
      return { items: page.items.map(toMoment), next: page.next ?? null };
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/clusters/{cluster}/compare/{other}',
    operationId: 'compareClusters',
    summary: 'Compares what runs in two clusters, object by object, without a parity group',
    tag: 'parity',
    params: z.object({ cluster: nameSchema, other: nameSchema }),
    query: z.object({ application: applicationNameSchema.optional() }),
    reply: comparisonSchema,
    errors: ['not_found', 'invalid_argument'],
    async handle({ params, query, signal }, { parity }) {
      const compared = await parity.compare(params.cluster, params.other, query.application, signal);
      const { differences, objects, whole } = compared;
      return {
        ...{ primary: params.cluster, standby: params.other, objects, whole },
        counts: countDifferences(differences),
        differences: differences.slice(0, differencesMax).map(toDifference),
        omitted: Math.max(0, differences.length - differencesMax),
      };
    },
  }),
];
