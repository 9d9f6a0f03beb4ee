/** An agent among several replicas: it works while it holds the Lease, stops when it has lost it, and stands by otherwise. */
import { randomUUID } from 'node:crypto';
import { FairwayError } from '../shared/error/error.ts';
import { createKubeClient } from './kube/create-kube-client.ts';
import { acquireLeadership, type Leadership } from './loops/process/leader.ts';
import { type AgentOptions, makeNamespace, type RunningAgent, startAgent } from './start-agent.ts';

export interface ElectedOptions extends AgentOptions {
  /** The pod's name; undefined outside of pods. */
  readonly pod: string | undefined;
  /** Told what this replica does now. */
  readonly onChange: (agent: RunningAgent | 'standby') => void;
}

/** From the moment that leadership ends no request of this agent's that changes something is sent, whatever it was about to do. */
async function leadOnce(options: ElectedOptions, leadership: Leadership): Promise<void> {
  const lost = new AbortController();
  void leadership.ended.then(() => lost.abort());
  const over = AbortSignal.any([options.signal, lost.signal]);
  const assertMayWrite = () => {
    if (!leadership.holds()) throw new FairwayError('failed_precondition', 'another replica leads now');
  };
  let agent: RunningAgent;
  try {
    agent = await startAgent({ ...options, signal: over, assertMayWrite });
  } catch (caught) {
    if (over.aborted) return;
    throw caught;
  }
  options.onChange(agent);
  if (!over.aborted)
    await new Promise<void>((resolve) => over.addEventListener('abort', () => resolve(), { once: true }));
  options.onChange('standby');
  await agent.stop();
}

/** Runs until the signal aborts; then gives the Lease to the next. @throws what keeps an agent from running at all. */
export async function runElected(options: ElectedOptions): Promise<void> {
  const { clock, random, log, namespace, pod, signal } = options;
  const kube = createKubeClient(options.connection, { clock, random, log });
  options.onChange('standby');
  try {
    if (options.ensureNamespace) await makeNamespace(kube, namespace);
    while (!signal.aborted) {
      const instanceId = randomUUID();
      const election = { kube, namespace, pod, instanceId, clock, random, log };
      let leadership: Leadership;
      try {
        leadership = await acquireLeadership(election, signal);
      } catch (caught) {
        if (signal.aborted) return;
        throw caught;
      }
      try {
        await leadOnce(options, leadership);
      } finally {
        await leadership.release();
      }
    }
  } finally {
    kube.close();
  }
}
