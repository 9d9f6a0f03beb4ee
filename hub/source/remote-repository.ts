import { FairwayError } from '../../shared/error/error.ts';
import type { History } from './history.ts';
import { type AdvertisedRef, discover, type Remote, type RemoteContext } from './http/discover.ts';
import { listRefs, requestPack } from './http/upload-pack.ts';
import type { Mirror } from './mirror.ts';
import { emptyRepository, parseRefName, type RefName, refNotFound } from './ref-name.ts';
import { reasonOf, sourceError } from './source-error.ts';

/** A repository over HTTP and its mirror. Calls of `fetch` must come one at a time. */
export interface RemoteRepository {
  /** Brings what `ref` names into the mirror. @throws as git-source's `fetch` says. */
  fetch(
    ref: string,
    context: RemoteContext,
  ): Promise<{ readonly head: string; readonly bytesReceived: number }>;
}

/** Ids told to the server as being here. */
const havesMax = 256;

type Look = { readonly refs: readonly AdvertisedRef[]; readonly complete: boolean };

function pick(
  refs: readonly AdvertisedRef[],
  name: Exclude<RefName, { kind: 'commit' }>,
): string | undefined {
  for (const candidate of name.kind === 'head' ? ['HEAD'] : name.candidates) {
    const found = refs.find((ref) => ref.name === candidate);
    if (found) return found.peeled ?? found.oid;
  }
  return undefined;
}

/** Errors after which what was remembered of the server may be wrong: it moved, or was replaced by an older one. */
function doubtsMemory(error: unknown): boolean {
  if (!(error instanceof FairwayError)) return false;
  const reason = reasonOf(error);
  return (
    reason === 'RepositoryNotFound' ||
    reason === 'RedirectRefused' ||
    reason === 'BadAnswer' ||
    reason === 'RemoteError'
  );
}

export function createRemoteRepository(mirror: Mirror, history: History): RemoteRepository {
  /** What the server speaks, so that a poll is one request. */
  let remembered: Remote | undefined;

  const look = async (prefixes: readonly string[], context: RemoteContext): Promise<Look> => {
    if (remembered?.version === 2) {
      try {
        return { refs: await listRefs(remembered, prefixes, context), complete: false };
      } catch (caught) {
        remembered = undefined;
        if (!doubtsMemory(caught)) throw caught;
      }
    }
    const { remote, refs } = await discover(context);
    remembered = remote;
    return refs
      ? { refs, complete: true }
      : { refs: await listRefs(remote, prefixes, context), complete: false };
  };

  const resolve = async (
    ref: string,
    name: Exclude<RefName, { kind: 'commit' }>,
    context: RemoteContext,
  ): Promise<string> => {
    const prefixes = name.kind === 'head' ? ['HEAD'] : ['HEAD', ...name.candidates];
    const seen = await look(prefixes, context);
    const oid = pick(seen.refs, name);
    if (oid) return oid;
    // HEAD is listed as soon as the default branch is; without it, any branch shows that the repository is not empty.
    if (seen.refs.length > 0) throw refNotFound(ref, context.subject);
    const all = seen.complete ? seen : await look(['refs/'], context);
    throw all.refs.length > 0 ? refNotFound(ref, context.subject) : emptyRepository(context.subject);
  };

  const bring = async (oid: string, heads: readonly string[], context: RemoteContext): Promise<number> => {
    if (!remembered) remembered = (await discover(context)).remote;
    const haves = await history.recent(heads, havesMax);
    const { bytes } = await mirror.add(await requestPack(remembered, oid, haves, context));
    return bytes;
  };

  const bringCommit = async (
    ref: string,
    sha: string,
    heads: readonly string[],
    context: RemoteContext,
  ): Promise<number> => {
    try {
      return await bring(sha, heads, context);
    } catch (caught) {
      // Servers refuse an id that they do not have, or may not give, by an error of the protocol.
      const refused =
        caught instanceof FairwayError &&
        reasonOf(caught) === 'RemoteError' &&
        caught.details?.['status'] === undefined;
      if (!refused) throw caught;
      throw sourceError(
        'not_found',
        'RefNotFound',
        `the server has no commit ${sha}, or does not give it by its id`,
        {
          subject: context.subject,
          details: { ref },
          cause: caught,
        },
      );
    }
  };

  return {
    async fetch(ref, context) {
      const name = parseRefName(ref, context.subject);
      // Packs count only whole, so a commit that is here is here with all it reaches: nothing to ask.
      if (name.kind === 'commit' && (await history.has(name.sha)))
        return { head: name.sha, bytesReceived: 0 };
      const oid = name.kind === 'commit' ? name.sha : await resolve(ref, name, context);
      const heads = await mirror.heads();
      if (heads.includes(oid)) return { head: oid, bytesReceived: 0 };
      const bytesReceived =
        name.kind === 'commit'
          ? await bringCommit(ref, oid, heads, context)
          : await bring(oid, heads, context);
      const head = await history.peel(oid);
      await history.commit(head);
      await mirror.recordHead(ref, head);
      await mirror.consolidate();
      return { head, bytesReceived };
    },
  };
}
