/** Writes through a store until it is killed, and says on stdout what was acknowledged. Started by the durability test. */
import { createEvent } from '../../model/event.ts';
import { openTestStore } from './test-store.test-support.ts';

const [path = '', round = ''] = process.argv.slice(2);
const store = await openTestStore(path);
let written = 0;

async function writeForever(writer: number): Promise<never> {
  for (;;) {
    written += 1;
    const id = `${round}-${writer}-${written}`;
    const event = createEvent({ type: 'audit.sync', actor: 'test', timeMs: 0, message: 'x'.repeat(200), id });
    await store.events.append([event]);
    process.stdout.write(`${id}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, writer) => writeForever(writer)));
