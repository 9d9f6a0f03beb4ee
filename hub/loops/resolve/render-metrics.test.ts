import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { noStats, noWork } from '../../render/render-work.ts';
import { registerRenderMetrics } from './render-metrics.ts';

describe('registerRenderMetrics', () => {
  it('tells what was rendered since the start and for the newest revision', async () => {
    const registry = new Registry();
    const stats = { ...noStats(), renders: 7, directoriesBuilt: 2, filesRead: 5 };
    registerRenderMetrics(registry, {
      stats: () => stats,
      ofRevision: () => ({ ...noWork(), directoriesBuilt: 1, bytesParsed: 80 }),
    });
    const lines = (await registry.metrics()).split('\n');
    stats.filesRead = 6;
    const later = await registry.metrics();
    for (const line of [
      'fairway_render_requests_total 7',
      'fairway_render_directories_built_total 2',
      'fairway_render_files_read_total 5',
      'fairway_render_revision{counter="directoriesBuilt"} 1',
      'fairway_render_revision{counter="bytesParsed"} 80',
    ])
      expect(lines).toContain(line);
    expect(later).toContain('fairway_render_files_read_total 6');
    expect(later).toMatch(/fairway_event_loop_delay_seconds\{quantile="0.99"\} \d/);
  });
});
