import { gzipSync } from 'node:zlib';
import type { Files } from './bed.ts';

/** A chart's files below `app/chart`. */
export function chart(files: Files, description = ''): Files {
  const named = Object.entries(files).map(([path, content]) => [`app/chart/${path}`, content] as const);
  return {
    'app/chart/Chart.yaml': `apiVersion: v2\nname: demo\nversion: 0.1.0\n${description}`,
    ...Object.fromEntries(named),
  };
}

export const configMap = (name: string, data: string, annotations = ''): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${annotations === '' ? '' : `  annotations:\n${annotations}`}data:\n${data}`;

/** An archive as `helm package` makes one: gzipped ustar, all below one folder. */
export function archive(folder: string, files: Readonly<Record<string, string>>, type = '0'): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const [path, text] of Object.entries(files)) {
    const content = Buffer.from(text);
    const header = Buffer.alloc(512);
    header.write(`${folder}/${path}`, 0);
    header.write('0000644\0', 100);
    header.write('0000000\0', 108);
    header.write('0000000\0', 116);
    header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write('        ', 148);
    header.write(type, 156);
    header.write('ustar\0', 257);
    header.write('00', 263);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    blocks.push(header, content, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  blocks.push(Buffer.alloc(1024));
  return gzipSync(Buffer.concat(blocks));
}
