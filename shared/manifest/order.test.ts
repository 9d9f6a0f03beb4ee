import { describe, expect, it } from 'vitest';
import { keyText, type ObjectKey, parseKeyText } from './object.ts';
import { compareForApply } from './order.ts';

const key = (kind: string, name = 'x'): ObjectKey => ({ group: '', kind, namespace: '', name });

describe('compareForApply', () => {
  it('puts what others need first and webhooks last', () => {
    const kinds = [
      'ValidatingWebhookConfiguration',
      'Deployment',
      'Widget',
      'ConfigMap',
      'CustomResourceDefinition',
      'Service',
      'Namespace',
      'Role',
    ];
    expect(
      kinds
        .map((kind) => key(kind))
        .sort(compareForApply)
        .map(({ kind }) => kind),
    ).toEqual([
      'Namespace',
      'CustomResourceDefinition',
      'Role',
      'ConfigMap',
      'Service',
      'Widget',
      'Deployment',
      'ValidatingWebhookConfiguration',
    ]);
  });

  it('orders the same kind by name', () => {
    expect([key('Role', 'b'), key('Role', 'a')].sort(compareForApply).map(({ name }) => name)).toEqual([
      'a',
      'b',
    ]);
  });
});

describe('parseKeyText', () => {
  it('reverses keyText and refuses anything else', () => {
    const web = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' };
    expect(parseKeyText(keyText(web))).toEqual(web);
    expect(parseKeyText('apps/Deployment/web')).toBeUndefined();
    expect(parseKeyText('///')).toBeUndefined();
  });
});
