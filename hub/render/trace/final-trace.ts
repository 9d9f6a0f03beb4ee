/** What is done once, at the top, with all objects: what each of it tells. */
import type { Cluster, Substitution } from '../../model/fleet.ts';
import type { TraceKind, Written } from '../../model/trace.ts';
import type { ChartLayers } from '../helm/chart-layers.ts';
import type { TransformerConfig } from '../kustomize/transformer-config.ts';
import type { VarSet } from '../kustomize/vars.ts';
import type { Resource } from '../resource.ts';
import { tellChart } from './chart-story.ts';
import { filledFrom } from './filled-values.ts';
import {
  type Agent,
  beginLineage,
  continueLineage,
  eventsOf,
  type FindOrigin,
  type Lineage,
  type Spot,
  spotBelow,
} from './lineage.ts';
import { expandedFrom, nowhere, referredFrom, writtenAtPlace } from './taken-values.ts';

type Resources = readonly Resource[];

export class FinalTrace {
  readonly #folder: string;
  readonly #kustomization: Spot | undefined;

  /** @param kustomization file of the folder that is built; undefined for what has none. */
  constructor(folder: string, kustomization: string | undefined) {
    this.#folder = folder;
    this.#kustomization =
      kustomization === undefined ? undefined : { text: { path: kustomization }, document: 0, path: [] };
  }

  hashed(list: Resources): Resources {
    return list.map((resource) => {
      const begin = resource.lineage && eventsOf(resource.lineage)[0];
      const at = begin?.agent.configuredAt ?? nowhere;
      return only(
        continueLineage(
          [resource],
          this.#agent('hash', 'hash', at, () => undefined),
        ),
        resource,
      );
    });
  }

  referred(list: Resources, { nameReference }: TransformerConfig): Resources {
    return list.map((resource) => {
      const find = referredFrom(resource, list, nameReference);
      return only(
        continueLineage([resource], this.#agent('reference', 'nameReference', nowhere, find)),
        resource,
      );
    });
  }

  expanded(list: Resources, before: Resources, vars: VarSet): Resources {
    const [first] = vars.values();
    const at = first === undefined ? nowhere : writtenAtPlace(first.place, 'cause');
    return continueLineage(list, this.#agent('replacement', 'vars', at, expandedFrom(vars, before)));
  }

  cleaned(list: Resources): Resources {
    return continueLineage(
      list,
      this.#agent('metadata', 'annotations', nowhere, () => undefined),
    );
  }

  described(list: Resources): Resources {
    const at = this.#kustomization === undefined ? nowhere : spotBelow(this.#kustomization, 'buildMetadata');
    return continueLineage(
      list,
      this.#agent('metadata', 'buildMetadata', at, () => undefined),
    );
  }

  filled(list: Resources, cluster: Cluster, substitution: Substitution): Resources {
    const at: Written = { ...nowhere, source: 'application', field: 'spec.substitute' };
    return continueLineage(
      list,
      this.#agent('variable', 'substitute', at, filledFrom(cluster, substitution)),
    );
  }

  /** Objects of an Application's chart. */
  inflated(list: Resources, layers: ChartLayers): Resources {
    const { source } = layers;
    const configured: Written = { ...nowhere, source: 'application', field: 'spec.source.helm' };
    return list.map((resource) => {
      const { place } = resource;
      const at: Written = { source, file: place.file, line: 0, field: '', holds: 'part' };
      const story = (begin: Lineage) => tellChart(begin, place, layers, list);
      const agent = { ...this.#agent('chart', 'helm', configured, () => ({ written: at })), story };
      return beginLineage(resource, agent, at, [this.#folder]);
    });
  }

  #agent(kind: TraceKind, action: string, configuredAt: Agent['configuredAt'], find: FindOrigin): Agent {
    return { kind, action, layer: this.#folder, configuredAt, find };
  }
}

function only(list: Resources, otherwise: Resource): Resource {
  return list[0] ?? otherwise;
}
