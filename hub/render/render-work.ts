/** What rendering took. A tree's own figures are those of one look at one commit. */
export interface RenderWork {
  /** Folders that were built and charts that were run: what was remembered does not count. */
  directoriesBuilt: number;
  filesRead: number;
  filesParsed: number;
  bytesParsed: number;
}

export interface RenderStats extends RenderWork {
  /** Calls of render. */
  renders: number;
  /** Calls answered with a set that was there already. */
  cacheHits: number;
  /** Objects that were written in canonical form and digested: what sets have in common counts once. */
  objectsDigested: number;
}

export function noStats(): RenderStats {
  return { renders: 0, cacheHits: 0, objectsDigested: 0, ...noWork() };
}

export function noWork(): RenderWork {
  return { directoriesBuilt: 0, filesRead: 0, filesParsed: 0, bytesParsed: 0 };
}

export function addWork(work: Readonly<RenderWork>, more: Readonly<RenderWork>): RenderWork {
  return {
    directoriesBuilt: work.directoriesBuilt + more.directoriesBuilt,
    filesRead: work.filesRead + more.filesRead,
    filesParsed: work.filesParsed + more.filesParsed,
    bytesParsed: work.bytesParsed + more.bytesParsed,
  };
}

/** What has been done between two counts. */
export function workSince(before: Readonly<RenderWork>, now: Readonly<RenderWork>): RenderWork {
  return {
    directoriesBuilt: now.directoriesBuilt - before.directoriesBuilt,
    filesRead: now.filesRead - before.filesRead,
    filesParsed: now.filesParsed - before.filesParsed,
    bytesParsed: now.bytesParsed - before.bytesParsed,
  };
}
