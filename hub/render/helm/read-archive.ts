import { gunzipSync } from 'node:zlib';

export type Archive =
  | { readonly ok: true; readonly files: ReadonlyMap<string, Uint8Array> }
  | { readonly ok: false; readonly message: string };

const block = 512;
const decoder = new TextDecoder();

/** Regular files of a gzipped tar, without their first folder; links and devices are left out, as Helm does. Formats: POSIX.1-2001 ustar and pax, GNU long names. */
export function readArchive(
  archive: Uint8Array,
  limits: { readonly bytesMax: number; readonly filesMax: number },
): Archive {
  let tar: Uint8Array;
  try {
    tar = gunzipSync(archive, { maxOutputLength: limits.bytesMax });
  } catch {
    return { ok: false, message: `no gzip archive, or one of more than ${limits.bytesMax} bytes` };
  }
  const files = new Map<string, Uint8Array>();
  let longName: string | undefined;
  for (let at = 0; at + block <= tar.length; ) {
    const header = tar.subarray(at, at + block);
    if (header.every((byte) => byte === 0)) break;
    const size = sizeOf(header);
    const content = at + block;
    if (size === undefined || content + size > tar.length)
      return { ok: false, message: 'a damaged tar archive' };
    const body = tar.subarray(content, content + size);
    at = content + Math.ceil(size / block) * block;
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === 'L') longName = text(body);
    else if (type === 'x') longName = paxPath(body) ?? longName;
    else {
      if (type === '0' || type === '\0') {
        const path = insidePath(longName ?? nameOf(header));
        if (path === undefined) return { ok: false, message: 'an archive with a path that leads out of it' };
        if (path !== '') files.set(path, body);
        if (files.size > limits.filesMax)
          return { ok: false, message: `an archive of more than ${limits.filesMax} files` };
      }
      longName = undefined;
    }
  }
  return { ok: true, files };
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function sizeOf(header: Uint8Array): number | undefined {
  const octal = text(header.subarray(124, 136)).trim();
  return /^[0-7]{1,12}$/.test(octal) ? Number.parseInt(octal, 8) : undefined;
}

function nameOf(header: Uint8Array): string {
  const name = text(header.subarray(0, 100));
  const prefix = text(header.subarray(257, 262)) === 'ustar' ? text(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function paxPath(body: Uint8Array): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(decoder.decode(body))?.[1];
}

/** Without the first folder; undefined for what leaves the archive. */
function insidePath(name: string): string | undefined {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (name.startsWith('/') || name.includes('\\') || parts.includes('..')) return undefined;
  return parts.slice(1).join('/');
}
