import { describe, expect, it } from 'vitest';
import { createHarness } from './harness.ts';

describe('reading the fleet', () => {
  it('lists clusters, filtered and in pages', async () => {
    const { call, tokens } = createHarness();
    const all = await call('GET', '/api/v1/clusters', { token: tokens.read });
    expect(all.status).toBe(200);
    expect(all.items.map(({ name }) => name)).toEqual(['eu-1', 'us-1']);
    expect(all.body['next']).toBeNull();
    const first = await call('GET', '/api/v1/clusters?limit=1', { token: tokens.read });
    expect(first.headers.get('link')).toBe(
      `</api/v1/clusters?limit=1&cursor=${first.body['next']}>; rel="next"`,
    );
    const second = await call('GET', `/api/v1/clusters?limit=1&cursor=${first.body['next']}`, {
      token: tokens.read,
    });
    expect(second.items.map(({ name }) => name)).toEqual(['us-1']);
    expect(second.body['next']).toBeNull();
    const away = await call('GET', '/api/v1/clusters?connected=false', { token: tokens.read });
    expect(away.items).toHaveLength(1);
  });

  it('shows one application with its placements', async () => {
    const { call, tokens } = createHarness();
    const { body } = await call('GET', '/api/v1/applications/shop', { token: tokens.read });
    expect(body).toMatchObject({ name: 'shop', clusters: 2, clustersHealthy: 1 });
    expect((body['placements'] as unknown[])[0]).toMatchObject({ cluster: 'eu-1', stage: 'Healthy' });
  });
});
