import type { RenderMemory, RenderRecords } from '../../model/render-memory.ts';

/** What rendering read, and the sets that came of it. At most 500 keys are asked at once. */
export interface RenderRepository extends RenderMemory {
  /**
   * Keeps what was rendered from what. A root whose node is another than before loses its earlier results; a result whose set is not in the store is left
   * out. What another engine has made goes with the next garbage.
   */
  save(records: RenderRecords): Promise<void>;
}
