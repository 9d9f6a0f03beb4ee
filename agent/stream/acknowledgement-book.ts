import type { Acknowledgement } from './wire.ts';

interface Entry {
  readonly ack: Acknowledgement;
  sent: boolean;
  /** The hub has said something that it says only after it kept this. */
  confirmed: boolean;
}

/** Applications remembered; far above what a cluster runs. */
const applicationsMax = 10_000;

/** What is to be said about each application's newest generation, a stage each, until the hub has surely kept it. */
export interface AcknowledgementBook {
  put(ack: Acknowledgement): void;
  /** Not sent on this connection yet; counts as sent from now on. */
  takeUnsent(): readonly Acknowledgement[];
  /** A new connection: all that is not confirmed is to be sent again; `all`: the confirmed too. */
  restart(all: boolean): void;
  /** Marks what has been sent by now; the result confirms exactly that. */
  mark(): () => void;
}

export function createAcknowledgementBook(): AcknowledgementBook {
  const applications = new Map<string, { generation: number; readonly stages: Map<string, Entry> }>();
  const entries = () => [...applications.values()].flatMap(({ stages }) => [...stages.values()]);
  return {
    put(ack) {
      let page = applications.get(ack.application);
      if (page && ack.generation < page.generation) return;
      if (!page || ack.generation > page.generation) page = { generation: ack.generation, stages: new Map() };
      page.stages.set(ack.stage, { ack, sent: false, confirmed: false });
      // Newest last, so that the oldest go first when there are too many.
      applications.delete(ack.application);
      applications.set(ack.application, page);
      const oldest = applications.keys().next().value;
      if (applications.size > applicationsMax && oldest !== undefined) applications.delete(oldest);
    },
    takeUnsent() {
      const unsent = entries().filter((entry) => !entry.sent);
      for (const entry of unsent) entry.sent = true;
      return unsent.map(({ ack }) => ack);
    },
    restart(all) {
      for (const entry of entries()) {
        if (all) entry.confirmed = false;
        entry.sent = entry.confirmed;
      }
    },
    mark() {
      const sent = entries().filter((entry) => entry.sent);
      return () => {
        for (const entry of sent) entry.confirmed = true;
      };
    },
  };
}
