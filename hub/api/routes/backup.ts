import { createReadStream } from 'node:fs';
import { stat, unlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { z } from '@hono/zod-openapi';
import { rawEndpoint } from '../endpoint.ts';

export const backupEndpoints = [
  rawEndpoint({
    method: 'post',
    path: '/api/v1/backup',
    operationId: 'backup',
    summary: 'Makes a consistent copy of the store while the hub runs, and sends it',
    description: "The copy holds the hub's certificate authority: keep it as you would keep its key.",
    tag: 'system',
    media: { 'application/vnd.sqlite3': z.string().openapi({ format: 'binary' }) },
    streams: true,
    async handle({ audit, signal }, { store, backup, log }) {
      await store.events.append([audit({ message: 'Took a backup of the store.' })]);
      const path = await backup();
      const remove = () =>
        unlink(path).catch((error: unknown) =>
          log.warn('cannot remove a backup that was sent', { path, error }),
        );
      try {
        const { size } = await stat(path);
        const file = createReadStream(path, { signal });
        file.once('close', remove);
        const headers = {
          'content-type': 'application/vnd.sqlite3',
          'content-length': String(size),
          'content-disposition': 'attachment; filename="fairway.sqlite"',
          'cache-control': 'no-store',
        };
        return new Response(Readable.toWeb(file) as ReadableStream<Uint8Array>, { headers });
      } catch (error) {
        await remove();
        throw error;
      }
    },
  }),
];
