import { describe, expect, it } from 'vitest';
import { createHarness } from './harness.ts';

const path = '/api/v1/applications/shop/rollout/all-at-once';
const body = { reason: 'the hole is being used' };

describe('POST /applications/{application}/rollout/all-at-once', () => {
  it('takes more than steering a rollout does, and leaves who did it and why', async () => {
    const { call, tokens } = createHarness();
    const refused = await call('POST', path, { token: tokens.operate, body });
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ detail: expect.stringContaining('emergency') });
    expect((await call('POST', path, { token: tokens.emergency, body })).status).toBe(200);
    expect((await call('POST', path, { token: tokens.admin, body })).status).toBe(200);
  });

  it('is refused without a reason', async () => {
    const { call, tokens } = createHarness();
    expect((await call('POST', path, { token: tokens.emergency, body: {} })).status).toBe(400);
  });
});
