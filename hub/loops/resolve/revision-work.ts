import { addWork, noWork, type RenderWork } from '../../render/render-work.ts';

/** What rendering the newest revision took, over all looks at it. */
export interface RevisionWork {
  add(revisionId: string, work: Readonly<RenderWork>): void;
  /** Nothing, before the first. */
  current(): Readonly<RenderWork>;
}

export function createRevisionWork(): RevisionWork {
  let newest: string | undefined;
  let sum: RenderWork = noWork();
  return {
    add(revisionId, work) {
      sum = addWork(revisionId === newest ? sum : noWork(), work);
      newest = revisionId;
    },
    current: () => sum,
  };
}
