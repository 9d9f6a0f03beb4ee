import { canonicalJson } from '../../shared/manifest/canonical.ts';
import type { FactValues } from '../../shared/manifest/cluster-facts.ts';
import { isJsonObject, type Json } from '../../shared/manifest/object.ts';
import type { FactsRequest, Finding } from './finding.ts';
import { isLeftOut } from './gap-findings.ts';

function minorOf(version: Json | undefined): string | undefined {
  return /^v?(\d+\.\d+)/.exec(String(version ?? ''))?.[1];
}

/** Releases of Kubernetes, of both clusters and of the standby's nodes. */
export function versionFindings(
  left: FactValues,
  right: FactValues,
  { primary, standby }: FactsRequest,
): readonly Finding[] {
  const [mine, other] = [left['kubernetes'], right['kubernetes']];
  const old = oldKubelets(right, standby);
  if (mine === other) return old;
  const apart = Math.abs(minorNumber(mine) - minorNumber(other));
  const same = minorOf(mine) === minorOf(other);
  const skew = apart > 1 ? `: ${apart} minor releases apart` : '';
  return [
    {
      ...{ section: 'version', name: 'kubernetes', side: 'both', severity: same ? 'info' : 'warning' },
      message: `${primary} runs Kubernetes ${String(mine)}, ${standby} ${String(other)}${skew}`,
      action: same ? '' : 'bring both to one minor release',
      values: { primary: mine ?? null, standby: other ?? null },
    },
    ...old,
  ];
}

/** Minor releases that a kubelet may be older than its API server: https://kubernetes.io/releases/version-skew-policy/#kubelet */
const kubeletSkewMax = 3;

function minorNumber(version: Json | undefined): number {
  return Number(minorOf(version)?.split('.')[1] ?? Number.NaN);
}

/** Nodes that an API server of their cluster does not support. */
function oldKubelets(values: FactValues, cluster: string): readonly Finding[] {
  const server = minorNumber(values['kubernetes']);
  const told = Array.isArray(values['kubelets']) ? (values['kubelets'] as readonly Json[]) : [];
  const bad = told.filter((one) => server - minorNumber(one) > kubeletSkewMax || minorNumber(one) > server);
  if (bad.length === 0) return [];
  return [
    {
      ...{ section: 'version', name: 'kubelets', side: 'standby', severity: 'warning' },
      message: `nodes of ${cluster} run ${bad.slice(0, 5).join(', ')}, which its API server ${String(values['kubernetes'])} does not support`,
      ...{ action: 'bring the nodes to a release that it supports', values: { standby: bad } },
    },
  ];
}

const listOf = (value: Json | undefined, name: string): readonly Json[] => {
  const found = isJsonObject(value) ? value[name] : undefined;
  return Array.isArray(found) ? (found as readonly Json[]) : [];
};

/** Definitions that both have; one that the standby lacks is told by what it does not serve. */
export function definitionFindings(
  left: FactValues,
  right: FactValues,
  { primary, standby, used }: FactsRequest,
): readonly Finding[] {
  return Object.entries(left).flatMap(([name, mine]): readonly Finding[] => {
    const other = Object.hasOwn(right, name) ? right[name] : undefined;
    if (!isJsonObject(mine) || !isJsonObject(other)) return [];
    const group = name.slice(name.indexOf('.') + 1);
    const lacking = listOf(mine, 'served').filter((one) => !listOf(other, 'served').includes(one));
    const foreign = listOf(mine, 'stored').filter((one) => !listOf(other, 'served').includes(one));
    const words = [
      ...(lacking.length > 0 ? [`${standby} does not serve ${lacking.join(', ')}`] : []),
      ...(mine['storage'] === other['storage']
        ? []
        : [`${primary} stores ${String(mine['storage'])}, ${standby} ${String(other['storage'])}`]),
      ...(canonicalJson(mine['stored'] ?? null) === canonicalJson(other['stored'] ?? null)
        ? []
        : [
            `objects lie in ${listOf(mine, 'stored').join(', ')} in ${primary}, in ${listOf(other, 'stored').join(', ')} in ${standby}`,
          ]),
    ];
    if (words.length === 0) return [];
    const needed = [...listOf(mine, 'served')].some((one) => used.has(`${group}/${String(one)}`));
    // What was written in a version that is not served there cannot be read there after a restore.
    const hard = lacking.length > 0 || foreign.length > 0 || mine['storage'] !== other['storage'];
    return [
      {
        ...{ section: 'crds', name, side: 'both', severity: needed && hard ? 'warning' : 'info' },
        message: `CustomResourceDefinition ${name}: ${words.join('; ')}`,
        action: needed ? 'install the same release of what defines it in both' : '',
        values: { primary: mine, standby: other },
      },
    ];
  });
}

/** APIs that the standby does not serve. */
export function apiFindings(
  left: FactValues,
  right: FactValues,
  { standby, used, facts }: FactsRequest,
): readonly Finding[] {
  return Object.entries(left).flatMap(([name, kinds]): readonly Finding[] => {
    // An aggregated API server that was away when it was asked.
    if (isLeftOut(facts.standby, 'apis', name)) return [];
    const other = Object.hasOwn(right, name) ? right[name] : undefined;
    const served = new Set(Array.isArray(other) ? (other as readonly Json[]) : []);
    const isNeeded = (kind: Json) => used.has(`${name} ${String(kind)}`);
    const lacking = (Array.isArray(kinds) ? (kinds as readonly Json[]) : [])
      .filter((kind) => !served.has(kind))
      .sort((one, another) => Number(isNeeded(another)) - Number(isNeeded(one)));
    if (lacking.length === 0) return [];
    // Another part of the group's version may be installed, and the kind that objects are of not.
    const needed = lacking.some(isNeeded) || (other === undefined && used.has(name));
    return [
      {
        ...{ section: 'apis', name, side: 'standby', severity: needed ? 'critical' : 'info' },
        message: `${standby} does not serve ${name} ${lacking.slice(0, 10).join(', ')}`,
        action: needed ? 'install what serves it: objects of the group need it' : '',
        values: { primary: kinds, ...(other !== undefined && { standby: other }) },
      },
    ];
  });
}
