/** The thread that holds a database on disk. */
import { parentPort, workerData } from 'node:worker_threads';
import { FairwayError } from '../../../shared/error/error.ts';
import type { WorkerInput } from '../messages.ts';
import { serveStore } from './serve-store.ts';

if (parentPort === null) throw new FairwayError('internal', 'this file runs as a worker thread only');
serveStore(parentPort, workerData as WorkerInput);
