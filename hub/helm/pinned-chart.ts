/** A chart of a repository elsewhere: one version, whose content is named by its digest. */
export interface PinnedChart {
  readonly name: string;
  readonly repository: string;
  readonly version: string;
  readonly digest: string;
}
