interface Place {
  readonly transport: 'web' | 'ssh' | 'local';
  readonly host: string;
  /** Empty for a transport's own. */
  readonly port: string;
  readonly path: string;
}

const cleanPath = (path: string) =>
  path
    .replace(/\/+$/, '')
    .replace(/(\/\.git|\.git)$/, '')
    .replace(/^\/+/, '');

/** Percent-encoding undone where it can be. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not an encoding: the text is what it says.
    return text;
  }
}

function placeOf(text: string): Place | undefined {
  if (text.startsWith('/')) return { transport: 'local', host: '', port: '', path: cleanPath(text) };
  const scp = /^(?:[^/@:]+@)?([^/@:]+):(?!\/\/)(.+)$/.exec(text);
  if (scp?.[1] && scp[2])
    return {
      transport: 'ssh',
      host: scp[1].toLowerCase(),
      port: '',
      path: cleanPath(decoded(scp[2])).toLowerCase(),
    };
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const path = cleanPath(decoded(url.pathname));
  if (url.protocol === 'file:') return { transport: 'local', host: '', port: '', path };
  const transport = url.protocol.includes('ssh') ? 'ssh' : 'web';
  return { transport, host: url.hostname.toLowerCase(), port: url.port, path: path.toLowerCase() };
}

/**
 * Whether two addresses mean the same repository, however each is written: with or without `.git`, user name, trailing slash, over HTTP, HTTPS or
 * SSH (whose ports say nothing about one another). Letter case of a path counts only on disk, as hosting services hold it. Only good for deciding what to
 * look at again: never for what may be read.
 */
export function sameRepository(a: string, b: string): boolean {
  const [left, right] = [placeOf(a), placeOf(b)];
  if (!left || !right || left.path === '') return false;
  if ((left.transport === 'local') !== (right.transport === 'local')) return false;
  const portsAgree = left.transport !== right.transport || left.port === right.port;
  return left.host === right.host && left.path === right.path && portsAgree;
}
