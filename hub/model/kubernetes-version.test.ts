import { describe, expect, it } from 'vitest';
import { minorOf, versionWarning } from './kubernetes-version.ts';

describe('minorOf', () => {
  it.each([
    ['1.34', 34],
    ['v1.34.2', 34],
    ['v1.34.2-gke.1', 34],
    ['1.30+', 30],
    ['', undefined],
    ['2.1', undefined],
    ['v1', undefined],
  ])('of %s', (version, minor) => expect(minorOf(version)).toBe(minor));
});

describe('versionWarning', () => {
  it('is silent while both are of one minor release, or one is not known', () => {
    expect(versionWarning('eu-1', '1.34', 'v1.34.9-eks-1')).toBe('');
    expect(versionWarning('eu-1', '', 'v1.34.9')).toBe('');
    expect(versionWarning('eu-1', '1.34', '')).toBe('');
  });

  it('says which field to set', () => {
    expect(versionWarning('eu-1', '1.34.1', 'v1.36.3')).toBe(
      'the cluster runs Kubernetes 1.36, but charts and checks take it for 1.34: set spec.kubernetes.version of Cluster eu-1 to 1.36',
    );
  });
});
