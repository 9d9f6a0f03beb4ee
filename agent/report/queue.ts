/** What there is to tell the hub: the newest row of each key, and a bounded queue of events. Nothing is dropped silently. */
import { keyText, type ObjectKey } from '../../shared/manifest/object.ts';
import type { ApplicationReport, ObjectReport } from '../../shared/manifest/report.ts';
import type { AgentEvent, ReportBatch, ReportSink, ReportSource } from '../model/report.ts';

export interface ReportQueueOptions {
  /** Events kept; beyond it the oldest go, and their number is told. Default 1,000. */
  readonly eventsMax?: number;
  /** Removed objects kept until told, some 200 bytes each; what is beyond it is counted with the lost events and told with them. Default 100,000. */
  readonly goneMax?: number;
}

export interface ReportQueue extends ReportSink, ReportSource {
  readonly state: { readonly queued: number; readonly eventsLost: number };
}

function sameValue(a: unknown, b: unknown): boolean {
  // Most members of most rows are texts, and no look at them all tells more than at the first that differs.
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Rows that say the same but for their time are no news. */
function sameBut<T extends { readonly timeMs: number }>(a: T | undefined, b: T): boolean {
  if (a === undefined) return false;
  for (const name of Object.keys(b) as (keyof T)[])
    if (a[name] !== b[name] && name !== 'timeMs' && !sameValue(a[name], b[name])) return false;
  return Object.keys(a).length === Object.keys(b).length;
}

interface Gone {
  readonly application: string;
  readonly key: ObjectKey;
}

interface Rows {
  readonly applications: Map<string, ApplicationReport>;
  readonly objects: Map<string, ObjectReport>;
  readonly gone: Map<string, Gone>;
  readonly dirtyApplications: Set<string>;
  readonly dirtyObjects: Set<string>;
  events: AgentEvent[];
  lost: number;
  lostTold: number;
}

const rowKey = (application: string, key: ObjectKey) => `${application} ${keyText(key)}`;

function takeFrom<T>(dirty: Set<string>, rows: ReadonlyMap<string, T>, limit: number): readonly T[] {
  const taken: T[] = [];
  for (const key of dirty) {
    if (taken.length >= limit) break;
    dirty.delete(key);
    const row = rows.get(key);
    if (row !== undefined) taken.push(row);
  }
  return taken;
}

function takeGone(gone: Map<string, Gone>, limit: number): readonly Gone[] {
  const taken = [...gone.entries()].slice(0, limit);
  for (const [key] of taken) gone.delete(key);
  return taken.map(([, row]) => row);
}

function dropOldest(rows: Rows, eventsMax: number): void {
  if (rows.events.length <= eventsMax) return;
  rows.lost += rows.events.length - eventsMax;
  rows.events = rows.events.slice(-eventsMax);
}

/** The loss is told as an event of its own, before what is left. */
function tellLoss(rows: Rows): void {
  const next = rows.events[0];
  if (rows.lost === rows.lostTold || next === undefined) return;
  const message = `${rows.lost - rows.lostTold} older events and removals were dropped: too many while the hub was away`;
  rows.lostTold = rows.lost;
  rows.events.unshift({
    ...next,
    id: `${next.id}-lost-${rows.lost}`,
    type: 'sync.failed',
    application: '',
    key: undefined,
    message,
    drift: undefined,
  });
}

function takeBatch(rows: Rows, limit: number): ReportBatch | undefined {
  tellLoss(rows);
  const applications = takeFrom(rows.dirtyApplications, rows.applications, limit);
  let left = limit - applications.length;
  const gone = takeGone(rows.gone, left);
  left -= gone.length;
  const events = rows.events.splice(0, left);
  const objects = takeFrom(rows.dirtyObjects, rows.objects, left - events.length);
  const size = applications.length + gone.length + events.length + objects.length;
  return size === 0 ? undefined : { applications, objects, gone, events };
}

function putBack(rows: Rows, batch: ReportBatch): void {
  for (const { application } of batch.applications) rows.dirtyApplications.add(application);
  for (const { application, key } of batch.objects) {
    const id = rowKey(application, key);
    if (rows.objects.has(id)) rows.dirtyObjects.add(id);
  }
  for (const row of batch.gone) {
    const id = rowKey(row.application, row.key);
    if (!rows.objects.has(id)) rows.gone.set(id, row);
  }
  rows.events.unshift(...batch.events);
}

/** Both sides of the queue; the listener is called once for each change from nothing (or more) to tell. */
export function createReportQueue(options: ReportQueueOptions = {}): ReportQueue {
  const eventsMax = options.eventsMax ?? 1_000;
  const goneMax = options.goneMax ?? 100_000;
  const rows: Rows = {
    applications: new Map(),
    objects: new Map(),
    gone: new Map(),
    dirtyApplications: new Set(),
    dirtyObjects: new Set(),
    events: [],
    lost: 0,
    lostTold: 0,
  };
  const listeners: (() => void)[] = [];
  const ready = () => {
    for (const listener of listeners) listener();
  };
  return {
    application(report) {
      if (sameBut(rows.applications.get(report.application), report)) return;
      rows.applications.set(report.application, report);
      rows.dirtyApplications.add(report.application);
      ready();
    },
    object(report) {
      const id = rowKey(report.application, report.key);
      if (sameBut(rows.objects.get(id), report)) return;
      rows.objects.set(id, report);
      rows.dirtyObjects.add(id);
      rows.gone.delete(id);
      ready();
    },
    gone(application, key) {
      const id = rowKey(application, key);
      if (!rows.objects.delete(id)) return;
      rows.dirtyObjects.delete(id);
      if (rows.gone.size < goneMax) rows.gone.set(id, { application, key });
      else rows.lost += 1;
      ready();
    },
    event(event) {
      rows.events.push(event);
      dropOldest(rows, eventsMax);
      ready();
    },
    take: (limit) => takeBatch(rows, limit),
    giveBack(batch) {
      putBack(rows, batch);
      dropOldest(rows, eventsMax);
      ready();
    },
    requeueAll() {
      for (const key of rows.applications.keys()) rows.dirtyApplications.add(key);
      for (const key of rows.objects.keys()) rows.dirtyObjects.add(key);
      ready();
    },
    onReady: (listener) => void listeners.push(listener),
    get state() {
      const { dirtyApplications, dirtyObjects, gone, events, lost } = rows;
      return {
        queued: dirtyApplications.size + dirtyObjects.size + gone.size + events.length,
        eventsLost: lost,
      };
    },
  };
}
