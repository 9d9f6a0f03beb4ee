import { describe, expect, it } from 'vitest';
import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import { planHandOver } from './hand-over.ts';

const web = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'n',
    resourceVersion: '7',
    managedFields: [
      {
        manager: 'fairway',
        operation: 'Apply',
        fieldsV1: {
          'f:metadata': { 'f:annotations': { 'f:a/b': {} } },
          'f:spec': {
            'f:replicas': {},
            'f:selector': {},
            'f:template': {
              'f:spec': {
                'f:containers': {
                  'k:{"name":"web"}': {
                    '.': {},
                    'f:name': {},
                    'f:image': {},
                    'f:resources': { 'f:requests': { 'f:cpu': {} } },
                    'f:ports': {
                      'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ] as unknown as Json,
    annotations: { 'a/b': '1', c: '2' },
  },
  spec: {
    replicas: 5,
    paused: true,
    selector: { matchLabels: { app: 'web' } },
    template: {
      spec: {
        containers: [
          { name: 'side', image: 'side:1' },
          {
            name: 'web',
            image: 'web:2',
            resources: { requests: { cpu: '300m' } },
            ports: [{ containerPort: 80, protocol: 'TCP' }],
          },
        ],
      },
    },
  },
} satisfies KubeObject;
const identity = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'n', resourceVersion: '7' },
};
const containers = '/spec/template/spec/containers';

describe('planHandOver', () => {
  it('is the live values of what we own, for this very state of the object', () => {
    expect(planHandOver(web, ['/spec/replicas', '/spec/paused', '/spec/nothing'])).toEqual({
      ...identity,
      spec: { replicas: 5 },
    });
  });

  it('keeps names beside fields of metadata', () => {
    expect(planHandOver(web, ['/metadata/annotations/a~1b'])).toEqual({
      ...identity,
      metadata: { ...identity.metadata, annotations: { 'a/b': '1' } },
    });
  });

  it('names items by their keys', () => {
    const pointers = [`${containers}/1/image`, `${containers}/1/resources`, `${containers}/1/ports/0`];
    expect(planHandOver(web, pointers)).toEqual({
      ...identity,
      spec: {
        template: {
          spec: {
            containers: [
              {
                name: 'web',
                image: 'web:2',
                resources: { requests: { cpu: '300m' } },
                ports: [{ containerPort: 80, protocol: 'TCP' }],
              },
            ],
          },
        },
      },
    });
  });

  it('is nothing where we own nothing, or not by itself', () => {
    expect(planHandOver(web, ['/spec/paused', `${containers}/0/image`])).toBeUndefined();
    expect(planHandOver(web, ['/spec/selector/matchLabels'])).toBeUndefined();
    expect(planHandOver(web, [])).toBeUndefined();
  });
});
