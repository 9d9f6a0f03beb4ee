import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FairwayError } from '../../../shared/error/error.ts';
import { parseWebhook, type WebhookRequest, webhookBodyBytesMax } from './webhook.ts';

const nowMs = Date.UTC(2026, 4, 1);
const seconds = String(nowMs / 1000);
const hex = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('hex');

const hubPush = JSON.stringify({
  ref: 'refs/heads/main',
  repository: {
    clone_url: 'https://github.com/acme/fleet.git',
    ssh_url: 'git@github.com:acme/fleet.git',
    html_url: 'https://github.com/acme/fleet',
  },
});
const labPush = JSON.stringify({
  object_kind: 'push',
  ref: 'refs/heads/main',
  project: {
    git_http_url: 'https://gitlab.example/acme/fleet.git',
    git_ssh_url: 'git@gitlab.example:acme/fleet.git',
  },
});

const request = (
  body: string,
  headers: WebhookRequest['headers'],
  secrets: WebhookRequest['secrets'],
  at = nowMs,
): WebhookRequest => ({
  body: Buffer.from(body),
  headers,
  secrets,
  nowMs: at,
});
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (caught) {
    if (caught instanceof FairwayError) return caught.code;
    throw caught;
  }
  return 'accepted';
};

const github = (body: string, secret: string, event = 'push') =>
  request(
    body,
    {
      'x-github-event': event,
      'x-github-delivery': 'd-1',
      'x-hub-signature-256': `sha256=${hex(secret, body)}`,
    },
    [{ provider: 'github', secret: 'right' }],
  );

describe('parseWebhook', () => {
  it('reads a push of GitHub', () => {
    expect(parseWebhook(github(hubPush, 'right'))).toEqual({
      provider: 'github',
      deliveryId: 'github:d-1',
      urls: [
        'https://github.com/acme/fleet.git',
        'git@github.com:acme/fleet.git',
        'https://github.com/acme/fleet',
      ],
      ref: 'refs/heads/main',
      kind: 'push',
    });
  });

  it('agrees with the vector in the documentation of GitHub', () => {
    // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    const headers = { 'x-github-event': 'ping', 'x-hub-signature-256': signature };
    const documented = request('Hello, World!', headers, [
      { provider: 'github', secret: "It's a Secret to Everybody" },
    ]);
    // The signature holds; only then is the body looked at, which is no JSON.
    expect(codeOf(() => parseWebhook(documented))).toBe('invalid_argument');
    expect(codeOf(() => parseWebhook({ ...documented, body: Buffer.from('Hello, World?') }))).toBe(
      'unauthenticated',
    );
  });

  it('reads a form of GitHub', () => {
    const body = new URLSearchParams({ payload: hubPush }).toString();
    const form = github(body, 'right');
    const headers = { ...form.headers, 'content-type': 'application/x-www-form-urlencoded' };
    expect(parseWebhook({ ...form, headers }).ref).toBe('refs/heads/main');
  });

  it('tells pings and other events from pushes', () => {
    expect(parseWebhook(github(hubPush, 'right', 'ping')).kind).toBe('ping');
    expect(parseWebhook(github(hubPush, 'right', 'issues')).kind).toBe('other');
  });

  it('refuses a wrong secret, a changed body, a missing signature and an empty secret', () => {
    const good = github(hubPush, 'right');
    expect(codeOf(() => parseWebhook(github(hubPush, 'wrong')))).toBe('unauthenticated');
    expect(codeOf(() => parseWebhook({ ...good, body: Buffer.from(hubPush.replace('main', 'evil')) }))).toBe(
      'unauthenticated',
    );
    expect(codeOf(() => parseWebhook({ ...good, headers: { 'x-github-event': 'push' } }))).toBe(
      'unauthenticated',
    );
    expect(
      codeOf(() => parseWebhook({ ...github(hubPush, ''), secrets: [{ provider: 'github', secret: '' }] })),
    ).toBe('unauthenticated');
    expect(codeOf(() => parseWebhook({ ...good, headers: {} }))).toBe('unauthenticated');
    expect(codeOf(() => parseWebhook({ ...good, secrets: [{ provider: 'gitea', secret: 'right' }] }))).toBe(
      'unauthenticated',
    );
  });

  it('takes any of several secrets, so that one can be rotated', () => {
    const secrets = [
      { provider: 'github', secret: 'new' },
      { provider: 'github', secret: 'right' },
    ] as const;
    expect(parseWebhook({ ...github(hubPush, 'right'), secrets }).kind).toBe('push');
    expect(parseWebhook({ ...github(hubPush, 'new'), secrets }).kind).toBe('push');
  });

  it('reads Gitea and Forgejo by their own headers though they send those of GitHub too', () => {
    const secrets = [{ provider: 'gitea', secret: 's' }] as const;
    const common = { 'x-github-event': 'push', 'x-gitea-event': 'push', 'x-gitea-delivery': 'g-1' };
    const gitea = request(hubPush, { ...common, 'x-gitea-signature': hex('s', hubPush) }, secrets);
    expect(parseWebhook(gitea)).toMatchObject({ provider: 'gitea', deliveryId: 'gitea:g-1', kind: 'push' });
    const forgejo = {
      ...common,
      'x-forgejo-event': 'push',
      'x-forgejo-delivery': 'f-1',
      'x-forgejo-signature': hex('s', hubPush),
    };
    expect(parseWebhook(request(hubPush, forgejo, secrets)).deliveryId).toBe('gitea:f-1');
    expect(
      codeOf(() =>
        parseWebhook(request(hubPush, { ...common, 'x-gitea-signature': hex('t', hubPush) }, secrets)),
      ),
    ).toBe('unauthenticated');
  });

  it('reads GitLab by its token', () => {
    const secrets = [{ provider: 'gitlab', secret: 'token' }] as const;
    const headers = {
      'x-gitlab-event': 'Push Hook',
      'x-gitlab-event-uuid': 'u-1',
      'x-gitlab-token': 'token',
    };
    expect(parseWebhook(request(labPush, headers, secrets))).toEqual({
      provider: 'gitlab',
      deliveryId: 'gitlab:u-1',
      urls: ['https://gitlab.example/acme/fleet.git', 'git@gitlab.example:acme/fleet.git'],
      ref: 'refs/heads/main',
      kind: 'push',
    });
    expect(
      codeOf(() => parseWebhook(request(labPush, { ...headers, 'x-gitlab-token': 'tokem' }, secrets))),
    ).toBe('unauthenticated');
  });

  it('reads GitLab by its signature, whose time must be near', () => {
    const key = Buffer.from('0123456789abcdef0123456789abcdef');
    const secrets = [{ provider: 'gitlab', secret: `whsec_${key.toString('base64')}` }] as const;
    const mac = createHmac('sha256', key).update(`w-1.${seconds}.${labPush}`).digest('base64');
    const headers = {
      'x-gitlab-event': 'Push Hook',
      'webhook-id': 'w-1',
      'webhook-timestamp': seconds,
      'webhook-signature': `v1,AAAA v1,${mac}`,
    };
    expect(parseWebhook(request(labPush, headers, secrets)).deliveryId).toBe('gitlab:w-1');
    expect(codeOf(() => parseWebhook(request(labPush, { ...headers, 'webhook-id': 'w-2' }, secrets)))).toBe(
      'unauthenticated',
    );
    expect(codeOf(() => parseWebhook(request(labPush, headers, secrets, nowMs + 300_001)))).toBe(
      'unauthenticated',
    );
    // A signature that does not fit is not saved by a token that would.
    const both = { ...headers, 'webhook-signature': 'v1,AAAA', 'x-gitlab-token': secrets[0].secret };
    expect(codeOf(() => parseWebhook(request(labPush, both, secrets)))).toBe('unauthenticated');
  });

  it('reads the generic form, whose signature covers time and delivery', () => {
    const body = '{"url":"https://git.example/fleet","ref":"refs/heads/main"}';
    const secrets = [{ provider: 'generic', secret: 's' }] as const;
    const headers = {
      'x-fairway-timestamp': seconds,
      'x-fairway-delivery': 'x-1',
      'x-fairway-signature-256': `sha256=${hex('s', `${seconds}.x-1.${body}`)}`,
    };
    expect(parseWebhook(request(body, headers, secrets))).toMatchObject({
      deliveryId: 'generic:x-1',
      urls: ['https://git.example/fleet'],
      kind: 'push',
    });
    for (const [name, value] of [
      ['x-fairway-delivery', 'x-2'],
      ['x-fairway-timestamp', String(nowMs / 1000 + 1)],
    ] as const)
      expect(codeOf(() => parseWebhook(request(body, { ...headers, [name]: value }, secrets)))).toBe(
        'unauthenticated',
      );
    expect(codeOf(() => parseWebhook(request(body, headers, secrets, nowMs + 300_000)))).toBe('accepted');
    expect(codeOf(() => parseWebhook(request(body, headers, secrets, nowMs + 300_001)))).toBe(
      'unauthenticated',
    );
    expect(codeOf(() => parseWebhook(request(body, headers, secrets, nowMs - 300_001)))).toBe(
      'unauthenticated',
    );
    const timeless = { 'x-fairway-signature-256': `sha256=${hex('s', `..${body}`)}` };
    expect(codeOf(() => parseWebhook(request(body, timeless, secrets)))).toBe('unauthenticated');
  });

  it('makes the same delivery id of the same body when the provider sends none', () => {
    const first = github(hubPush, 'right');
    const { 'x-github-delivery': _, ...headers } = first.headers;
    const digest = createHash('sha256').update(hubPush).digest('hex');
    expect(parseWebhook({ ...first, headers }).deliveryId).toBe(`github:${digest}`);
  });

  it('refuses what is too large before it looks at anything else, and what names no repository', () => {
    expect(
      codeOf(() =>
        parseWebhook({ ...github(hubPush, 'right'), body: new Uint8Array(webhookBodyBytesMax + 1) }),
      ),
    ).toBe('resource_exhausted');
    for (const body of ['{"ref":"refs/heads/main"}', '[]', 'null', '{'])
      expect(codeOf(() => parseWebhook(github(body, 'right')))).toBe('invalid_argument');
  });
});
