import { describeKey, isJsonObject, type Json, parseKeyText } from '../../shared/manifest/object.ts';
import type { FieldPath, ObjectTrace, TraceStep, Written } from '../model/trace.ts';
import type { ChainEntry, FieldChain } from '../model/trace-chain.ts';
import { printFieldPath } from '../model/trace-path.ts';
import { isSecretField } from '../model/trace-secrets.ts';
import type {
  ExplainedAction,
  ExplainedLine,
  ExplainedPlace,
  ExplainedStep,
  ExplainedSubject,
  Explanation,
  FieldExplanation,
  LineCommit,
} from './explanation.ts';
import { shorten, shortJson } from './masking.ts';
import { readTrace, type TraceReading } from './read-trace.ts';
import type { YamlLine } from './yaml-lines.ts';

/** Who wrote a line: the commit, or that it is not committed, or undefined where nobody knows. */
export type AuthorOf = (written: Written) => LineCommit | 'uncommitted' | undefined;

export interface ExplainRequest {
  readonly subject: ExplainedSubject;
  readonly trace: ObjectTrace;
  /** Empty: the whole object. */
  readonly field: FieldPath;
  /** Whether objects of this kind have such a field; undefined: not known. */
  readonly knows: (path: FieldPath) => boolean | undefined;
  /** Says better where something is written. Undefined: it is where the trace says. */
  readonly locate?: ((written: Written) => Written) | undefined;
}

export type Explained =
  | { readonly ok: true; readonly explanation: Explanation }
  | {
      readonly ok: false;
      /** `spec has no "replica"; it has paused, replicas`. */
      readonly message: string;
      /** Fields that may have been meant. */
      readonly near: readonly string[];
    };

/** Of one explanation. */
const linesMax = 5_000;
const fieldsMax = 500;
const lineCharactersMax = 500;

/** Pure: the same trace and the same authors give the same explanation. */
export function explainObject(request: ExplainRequest, authorOf: AuthorOf): Explained {
  const { trace, subject, field } = request;
  const { locate = (written: Written) => written } = request;
  const reading = readTrace(trace);
  const found = reading.find(field);
  const removed = found.ok ? undefined : reading.findRemoved(field);
  const state = found.ok ? 'set' : removed ? 'removed' : 'unset';
  if (!found.ok && !removed && request.knows(field) !== true)
    return { ok: false, message: found.message, near: found.near };
  const path = found.ok ? found.path : (removed ?? field);
  const teller = new Teller(trace, reading, locate, authorOf);
  const parts =
    state === 'unset' ? { lines: [], fields: [], omitted: 0 } : teller.tell(path, field.length === 0);
  const { apiVersion, kind, namespace, name } = trace.identity;
  const originName = parseKeyText(trace.originId)?.name ?? name;
  return {
    ok: true,
    explanation: {
      ...subject,
      object: { apiVersion, kind, namespace, name, originName },
      way: trace.way,
      field: printFieldPath(path),
      state,
      secret: trace.secret,
      ...parts,
    },
  };
}

/** The lines that an explanation will tell the authors of. */
export function placesOf(request: ExplainRequest): readonly Written[] {
  const places: Written[] = [];
  explainObject(request, (written) => {
    places.push(written);
    return undefined;
  });
  return places;
}

type Parts = Pick<Explanation, 'lines' | 'fields' | 'omitted'>;

class Teller {
  private readonly trace: ObjectTrace;
  private readonly reading: TraceReading;
  private readonly locate: (written: Written) => Written;
  private readonly authorOf: AuthorOf;

  constructor(
    trace: ObjectTrace,
    reading: TraceReading,
    locate: (written: Written) => Written,
    authorOf: AuthorOf,
  ) {
    this.trace = trace;
    this.reading = reading;
    this.locate = locate;
    this.authorOf = authorOf;
  }

  tell(path: FieldPath, whole: boolean): Parts {
    const { reading } = this;
    const value = reading.rendered(path);
    const holds = value !== undefined && isFilled(value);
    const lines = holds ? reading.lines(path) : [];
    const fields = holds
      ? [...(whole ? [] : reading.changedBelow(path)), ...reading.removedBelow(path)]
      : [path];
    return {
      lines: lines.slice(0, linesMax).map((line) => this.line(line)),
      fields: fields.slice(0, fieldsMax).map((field) => this.field(reading.chain(field))),
      omitted: Math.max(0, lines.length - linesMax) + Math.max(0, fields.length - fieldsMax),
    };
  }

  private line({ text, path }: YamlLine): ExplainedLine {
    if (path === undefined) return { text: cut(text), path: '', origin: null, changes: 0 };
    const chain = this.reading.chain(path);
    const last = chain.entries.at(-1);
    const { start, entries } = chain;
    return {
      text: cut(text),
      path: printFieldPath(path),
      origin: { ...actionOf(last?.step ?? this.trace.start), at: this.place(last?.at ?? start.at) },
      changes: entries.length,
    };
  }

  private field(chain: FieldChain): FieldExplanation {
    const masked = isSecretField(this.trace, chain.path);
    const from = masked ? -1 : this.reading.secretFrom(chain);
    const { start, entries } = chain;
    const read: ExplainedStep[] =
      start.value === undefined
        ? []
        : [
            {
              ...actionOf(this.trace.start),
              change: 'read',
              before: null,
              after: masked ? null : shortJson(start.value),
              ...this.places(start.at, this.trace.start.configuredAt),
              from: null,
            },
          ];
    return {
      path: printFieldPath(chain.path),
      state: chain.value === undefined ? 'removed' : 'set',
      value: from < entries.length ? null : shortJson(chain.value),
      masked: from < entries.length,
      steps: [...read, ...entries.map((entry, index) => this.step(entry, index > from, index >= from))],
    };
  }

  private step(entry: ChainEntry, hideBefore: boolean, hideAfter: boolean): ExplainedStep {
    const { step, before, after, at, changes } = entry;
    const from = changes.findLast((change) => change.from !== undefined)?.from;
    return {
      ...actionOf(step),
      change: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed',
      before: hideBefore ? null : shortJson(before),
      after: hideAfter ? null : shortJson(after),
      ...this.places(at, step.configuredAt),
      from: from ? { object: describeKey(from.object), field: from.field } : null,
    };
  }

  private places(at: Written, configuredAt: Written): Pick<ExplainedStep, 'at' | 'configuredAt' | 'through'> {
    const same = configuredAt.file === '' || (at.file === configuredAt.file && at.line === configuredAt.line);
    return {
      at: this.place(at),
      configuredAt: same ? null : this.place(configuredAt),
      through: at.through === undefined ? null : this.place(at.through),
    };
  }

  private place(rough: Written): ExplainedPlace {
    const written = this.locate(rough);
    const { source, file, line, field, holds } = written;
    const author = file === '' || line === 0 ? undefined : this.authorOf(written);
    return {
      source,
      file,
      line,
      field,
      holds,
      commit: author === 'uncommitted' ? null : (author ?? null),
      uncommitted: author === 'uncommitted',
    };
  }
}

const actionOf = ({
  kind,
  action,
  layer,
}: Pick<TraceStep, 'kind' | 'action' | 'layer'>): ExplainedAction => ({
  kind,
  action,
  layer,
});

const cut = (text: string) => shorten(text, lineCharactersMax);

function isFilled(value: Json): boolean {
  return Array.isArray(value) ? value.length > 0 : isJsonObject(value) && Object.keys(value).length > 0;
}
