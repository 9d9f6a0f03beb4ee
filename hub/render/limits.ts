/** Bounds of the renderer. Each is a clear Problem when passed, never a crash. */
export interface RenderLimits {
  /** Largest file that is read as YAML or generator input. */
  readonly fileBytesMax: number;
  /** Nesting of YAML collections. */
  readonly yamlDepthMax: number;
  /** Nodes of one file once aliases are followed ("billion laughs"). */
  readonly yamlNodesMax: number;
  /** Aliases of one document. */
  readonly yamlAliasesMax: number;
  /** Files of one plain directory, at any depth. */
  readonly filesMax: number;
  /** Objects of one rendered set. */
  readonly objectsMax: number;
  /** Directories below one another by way of bases and components. */
  readonly layersMax: number;
  /** Objects of built directories that are remembered, those apart that a directory shares with its bases. One takes some two kilobytes. */
  readonly builtObjectsMax: number;
  /** Sum of the sizes of the files whose parsed form is remembered. */
  readonly parsedBytesMax: number;
}

export const defaultLimits: RenderLimits = {
  fileBytesMax: 8 * 1024 * 1024,
  yamlDepthMax: 100,
  yamlNodesMax: 1_000_000,
  yamlAliasesMax: 10_000,
  filesMax: 10_000,
  objectsMax: 20_000,
  layersMax: 50,
  builtObjectsMax: 200_000,
  parsedBytesMax: 128 * 1024 * 1024,
};

/** For who renders one commit once and hands on what comes: of what only one cluster has, nothing is kept for a next time. */
export const oneShot = {
  limits: { parsedBytesMax: 512 * 1024 },
  /** As in RendererOptions. */
  topObjectsMax: 300,
} as const;
