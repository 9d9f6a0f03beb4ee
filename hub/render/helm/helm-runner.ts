/** The `helm` program as a port: hub/helm runs it, the renderer knows no process and no disk. */

/** Paths relative to the chart's top; links followed, archives of subcharts unpacked. */
export type ChartFiles = ReadonlyMap<string, Uint8Array>;

export interface ValueFile {
  /** For messages: its path in Git. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Which of the `valueFiles` that the Application names. */
  readonly template?: number | undefined;
}

export interface HelmRequest {
  readonly chart: ChartFiles;
  /** The later goes before the earlier. */
  readonly valueFiles: readonly ValueFile[];
  readonly releaseName: string;
  /** What helm makes the release's name of, instead of `releaseName`. */
  readonly nameTemplate?: string | undefined;
  readonly namespace: string;
  /** Empty: what the program was built for. */
  readonly kubeVersion: string;
  readonly apiVersions: readonly string[];
  readonly includeCrds: boolean;
  /** Leaves out the hooks of `helm test`. */
  readonly skipTests: boolean;
  readonly skipHooks: boolean;
}

export type HelmOutcome =
  | { readonly ok: true; readonly output: Uint8Array }
  | {
      readonly ok: false;
      /** `failed`: the chart's or values' own fault, the same each time. */
      readonly reason: 'missing' | 'failed' | 'timeout' | 'memory' | 'output';
      /** For people; no path of this machine in it. */
      readonly message: string;
    };

export interface HelmRunner {
  /** What the program calls itself, part of every cache key; undefined: there is no program. */
  version(signal?: AbortSignal): Promise<string | undefined>;
  /** `helm template` without network, in a folder of its own that is gone afterwards. @throws only AbortError and what the machine itself lacks. */
  template(request: HelmRequest, signal?: AbortSignal): Promise<HelmOutcome>;
}

/** Charts of HTTP and OCI repositories. */
export interface ChartArchives {
  /** A chart's archive (.tgz) whose content is as pinned. @throws FairwayError saying what is wrong with repository, name, version or digest. */
  open(
    chart: {
      readonly name: string;
      readonly repository: string;
      readonly version: string;
      readonly digest: string;
    },
    signal?: AbortSignal,
  ): Promise<Uint8Array>;
}
