/**
 * `npm test`: has the programs that tests on real clusters need built first (with progress: minutes on a fresh machine), then runs the suite.
 * Arguments go on to vitest. Without Go those tests say so and are skipped; under CI=true that is a failure.
 */
import { spawn } from 'node:child_process';
import { type BinaryName, ensureBinary, hasGo } from '../cluster/binaries.ts';

async function prepare(): Promise<void> {
  if (!hasGo() && !process.env['KUBEBUILDER_ASSETS']) {
    console.log('Go is not here and KUBEBUILDER_ASSETS is not set: tests on real clusters will be skipped.');
    if (process.env['CI'] === 'true') throw new Error('CI=true allows no skip: install Go 1.26 or later');
    return;
  }
  const programs = [
    ...['kubectl', 'kube-apiserver', 'kustomize', 'kwok', 'helm', 'flux-substitute'],
    ...['sops', 'age-keygen', 'validate-image'],
  ] as readonly BinaryName[];
  for (const name of programs) {
    const began = Date.now();
    let ticker: NodeJS.Timeout | undefined;
    await ensureBinary(name, (what) => {
      console.log(`Building ${what} from its pinned Go module; this happens once.`);
      ticker = setInterval(
        () => console.log(`  still building ${what}: ${Math.round((Date.now() - began) / 1000)} s`),
        30_000,
      );
    });
    clearInterval(ticker);
  }
}

try {
  await prepare();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
const child = spawn('vitest', ['run', ...process.argv.slice(2)], { stdio: 'inherit' });
child.on('exit', (code) => process.exit(code ?? 1));
