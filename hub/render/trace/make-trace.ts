/** A lineage as a trace: what each step changed, and where what it put in is written. */
import type { Json, KubeObject } from '../../../shared/manifest/object.ts';
import type {
  FieldChange,
  FieldPath,
  ObjectTrace,
  TraceAction,
  TraceStart,
  TraceStep,
  ValueSource,
  Written,
  WrittenField,
} from '../../model/trace.ts';
import { type FieldChain, type Replay, replayTrace, valueAt } from '../../model/trace-chain.ts';
import { indexOfItem, isItemPart, listPathText } from '../../model/trace-path.ts';
import { resolveField } from '../../model/trace-resolve.ts';
import { isSecretField, readSecrets, type SecretReading } from '../../model/trace-secrets.ts';
import { helmGenerated } from '../kustomize/inflation.ts';
import type { SchemaTable } from '../kustomize/schema.ts';
import { withNulls } from '../kustomize/values.ts';
import { isSecretObject, type Resource } from '../resource.ts';
import { diffObjects, leavesOf } from './diff-objects.ts';
import {
  type Agent,
  eventsOf,
  type FindOrigin,
  type Lineage,
  type Origin,
  type RawChange,
  type Spot,
  spotBelow,
  type WrittenPath,
} from './lineage.ts';
import { mergeKeysOf } from './list-keys.ts';
import type { SpotLines } from './spot-lines.ts';
import { identityOf, nowhere } from './taken-values.ts';

/** One step before it is told, with the objects on both sides. */
interface RawStep {
  readonly agent: Agent;
  readonly action: string;
  readonly find: FindOrigin;
  readonly before: KubeObject;
  readonly after: KubeObject;
  readonly lineage: Lineage;
}

type History = Pick<ObjectTrace, 'start' | 'steps' | 'mergeKeys'>;
type MergeKeys = ObjectTrace['mergeKeys'];

/** A history as it went, and what of it is a Secret's. */
interface Replayed {
  readonly replay: Replay;
  readonly wasSecret: boolean;
  readonly secrets: SecretReading;
}

export class TraceMaker {
  readonly #lines: SpotLines;
  readonly #table: SchemaTable;
  readonly #histories = new Map<Lineage, Promise<History>>();
  readonly #replays = new Map<History, Replayed>();

  /** @param table says by which keys lists merge. */
  constructor(lines: SpotLines, table: SchemaTable) {
    this.#lines = lines;
    this.#table = table;
  }

  /** The resource as rendered, with its lineage. */
  async trace(resource: Resource, lineage: Lineage): Promise<ObjectTrace> {
    const final = shown(resource.object);
    const events = eventsOf(lineage);
    return {
      identity: identityOf(final),
      originId: resource.originId,
      way: lineage.folders,
      ...(await this.#history(lineage)),
      final,
      secret: events.some(({ object }) => isSecretObject(object)),
    };
  }

  #history(lineage: Lineage): Promise<History> {
    let history = this.#histories.get(lineage);
    if (history === undefined) {
      history = this.#makeHistory(lineage);
      this.#histories.set(lineage, history);
    }
    return history;
  }

  async #makeHistory(lineage: Lineage): Promise<History> {
    const events = await told(eventsOf(lineage));
    const [begin] = events;
    if (begin === undefined) throw new Error('a lineage without a beginning');
    const raw = events.flatMap((event) => stepsOf(event));
    const states = [shown(begin.object), ...raw.map(({ after }) => after)];
    const mergeKeys = mergeKeysOf(states, this.#table);
    const steps: TraceStep[] = [];
    for (const step of raw) {
      const changes = diffObjects(step.before as unknown as Json, step.after as unknown as Json, mergeKeys);
      if (changes.length > 0) steps.push(await this.#step(step, changes, mergeKeys));
    }
    return { start: await this.#start(begin, mergeKeys), steps, mergeKeys };
  }

  async #start(begin: Lineage, mergeKeys: MergeKeys): Promise<TraceStart> {
    const object = shown(begin.object);
    const root = object as unknown as Json;
    const { agent } = begin;
    const spot = begin.at !== undefined && 'text' in begin.at ? begin.at : undefined;
    const at = await this.#place(begin.at ?? agent.configuredAt, 'value');
    const find: FindOrigin = (change) =>
      agent.find(change) ??
      (spot === undefined || agent.kind === 'generator'
        ? undefined
        : { spot: spotBelow(spot, ...concretePath(root, change.path, mergeKeys)), holds: 'value' });
    const written = await this.#leaves(root, [], root, find, at, begin, mergeKeys);
    return { ...(await this.#action(agent, agent.action)), object, at, written };
  }

  async #step(raw: RawStep, changes: readonly RawChange[], mergeKeys: MergeKeys): Promise<TraceStep> {
    const told: FieldChange[] = [];
    const root = raw.after as unknown as Json;
    for (const change of changes) {
      const origin = this.#originOf(raw, change, mergeKeys);
      const at = await this.#at(origin, raw.agent);
      const from = await this.#from(origin);
      const { after } = change;
      const isContainer = typeof after === 'object' && after !== null && Object.keys(after).length > 0;
      const written = isContainer
        ? await this.#leaves(after, change.path, root, raw.find, at, raw.lineage, mergeKeys)
        : [];
      told.push({
        ...{ ...change, at },
        ...(from === undefined ? {} : { from }),
        ...(written.length === 0 ? {} : { written }),
      });
    }
    return {
      ...(await this.#action(raw.agent, raw.action)),
      identityBefore: identityOf(raw.before),
      identityAfter: identityOf(raw.after),
      changes: told,
    };
  }

  /** A default within a text is where the text is written. */
  #originOf({ agent, find, lineage }: RawStep, change: RawChange, mergeKeys: MergeKeys): Origin | undefined {
    const origin = find(change);
    if (origin !== undefined || agent.kind !== 'variable' || lineage.earlier === undefined) return origin;
    const before = shown(lineage.earlier.object) as unknown as Json;
    const path = concretePath(before, change.path, mergeKeys);
    return { lineage: lineage.earlier, path, holds: 'part', otherwise: nowhere };
  }

  async #leaves(
    value: Json,
    path: FieldPath,
    root: Json,
    find: FindOrigin,
    at: Written,
    { agent }: Lineage,
    mergeKeys: MergeKeys,
  ): Promise<readonly WrittenField[]> {
    const written: WrittenField[] = [];
    for (const leaf of leavesOf(value, path, mergeKeys)) {
      const after = valueAt(root, leaf, mergeKeys);
      const own = await this.#at(find(after === undefined ? { path: leaf } : { path: leaf, after }), agent);
      if (!isSamePlace(own, at)) written.push({ path: leaf, at: own });
    }
    return written;
  }

  async #action({ kind, layer, configuredAt }: Agent, action: string): Promise<TraceAction> {
    return { kind, action, layer, configuredAt: await this.#place(configuredAt, 'cause') };
  }

  async #at(origin: Origin | undefined, { configuredAt }: Agent): Promise<Written> {
    if (origin === undefined) return this.#place(configuredAt, 'cause');
    if ('spot' in origin) {
      const { spot, holds, through } = origin;
      const written = await this.#lines.written(spot, holds);
      return through === undefined ? written : { ...written, through: await this.#complete(through) };
    }
    if ('written' in origin) return this.#complete(origin.written);
    if ('envFiles' in origin) {
      const { envFiles, key, holds } = origin;
      return (await this.#lines.envKey(envFiles, key, holds)) ?? this.#place(configuredAt, 'cause');
    }
    const known =
      origin.lineage === undefined ? undefined : await this.#lastWritten(origin.lineage, origin.path);
    const found = known?.file ? known : await this.#place(origin.otherwise, 'cause');
    const { through } = origin;
    const written = { ...found, holds: weaker(found.holds, origin.holds) };
    return through === undefined ? written : { ...written, through: await this.#complete(through) };
  }

  /** A value that was taken from what had it from a Secret is a Secret's. */
  async #from(origin: Origin | undefined): Promise<ValueSource | undefined> {
    if (origin === undefined || !('from' in origin) || origin.from === undefined) return undefined;
    const { from, lineage, path } = origin;
    if (from.secret || lineage === undefined) return from;
    const { chain, secrets, wasSecret } = await this.#reading(lineage, path);
    if (chain === undefined) return from;
    const isSecret =
      isSecretField({ secret: wasSecret }, chain.path) ||
      secrets.secretFrom(chain) !== Number.POSITIVE_INFINITY;
    return { ...from, secret: isSecret };
  }

  /** A field of an object up to what the object was then. */
  async #reading(
    lineage: Lineage,
    path: FieldPath,
  ): Promise<{ chain: FieldChain | undefined; secrets: SecretReading; wasSecret: boolean }> {
    const history = await this.#history(lineage);
    let replayed = this.#replays.get(history);
    if (replayed === undefined) {
      const replay = replayTrace(history);
      const wasSecret = eventsOf(lineage).some(({ object }) => isSecretObject(object));
      replayed = { replay, wasSecret, secrets: readSecrets(history, replay.states, wasSecret) };
      this.#replays.set(history, replayed);
    }
    const { replay, ...told } = replayed;
    const field = resolveField(shown(lineage.object) as unknown as Json, path, history.mergeKeys);
    return { ...told, chain: field.ok ? replay.chain(field.path) : undefined };
  }

  /** Where it was last written. */
  async #lastWritten(lineage: Lineage, path: FieldPath): Promise<Written | undefined> {
    const { chain } = await this.#reading(lineage, path);
    if (chain === undefined) return undefined;
    const { start, entries } = chain;
    const places = [start.at, ...entries.map(({ at }) => at)];
    // What nobody wrote, such as a hash, comes after what somebody did.
    return places.findLast(({ file }) => file !== '') ?? start.at;
  }

  async #place(place: Spot | Written, holds: Written['holds']): Promise<Written> {
    return 'text' in place ? this.#lines.written(place, holds) : this.#complete(place);
  }

  async #complete(written: Written): Promise<Written> {
    const { source, file, line, holds, field, through } = written;
    const own =
      source === 'repository' && file !== '' ? await this.#lines.inFile(file, line, holds, field) : written;
    return through === undefined ? own : { ...own, through: await this.#complete(through) };
  }
}

/** What a chart made is told from its own values on. */
async function told(events: readonly Lineage[]): Promise<readonly Lineage[]> {
  const [begin, ...rest] = events;
  const story = begin?.agent.story;
  return begin === undefined || story === undefined ? events : [...eventsOf(await story(begin)), ...rest];
}

function stepsOf(lineage: Lineage): readonly RawStep[] {
  const { earlier, agent } = lineage;
  if (earlier === undefined) return [];
  const steps: RawStep[] = [];
  let before = shown(earlier.object);
  const add = (object: KubeObject, action: string, find: FindOrigin): void => {
    const after = shown(object);
    steps.push({ agent, action, find, before, after, lineage });
    before = after;
  };
  for (const { name, object, find } of agent.split?.(earlier.object) ?? [])
    add(object, name === '' ? agent.action : `${agent.action} ${name}`, find);
  add(lineage.object, agent.action, agent.find);
  return steps;
}

/** As it is written out, without what the renderer notes in a chart's objects for itself. */
function shown(object: KubeObject): KubeObject {
  const whole = withNulls(object as unknown as Json) as unknown as KubeObject;
  const { annotations, ...metadata } = whole.metadata;
  if (!annotations || !Object.hasOwn(annotations, helmGenerated)) return whole;
  const { [helmGenerated]: _own, ...others } = annotations;
  const some = Object.keys(others).length > 0;
  return { ...whole, metadata: some ? { ...metadata, annotations: others } : metadata };
}

function concretePath(root: Json, path: FieldPath, mergeKeys: MergeKeys): WrittenPath {
  const concrete: (string | number)[] = [];
  for (const [depth, part] of path.entries()) {
    if (!isItemPart(part)) {
      concrete.push(part);
      continue;
    }
    const list = valueAt(root, path.slice(0, depth), mergeKeys);
    const keys = mergeKeys[listPathText(path.slice(0, depth))];
    concrete.push(Array.isArray(list) ? indexOfItem(list, part, keys) : -1);
  }
  return concrete;
}

function isSamePlace(a: Written, b: Written): boolean {
  return (
    a.source === b.source &&
    a.file === b.file &&
    a.line === b.line &&
    a.field === b.field &&
    a.holds === b.holds
  );
}

const strength = { value: 2, part: 1, cause: 0 } as const;

function weaker(a: Written['holds'], b: Written['holds']): Written['holds'] {
  return strength[a] < strength[b] ? a : b;
}
