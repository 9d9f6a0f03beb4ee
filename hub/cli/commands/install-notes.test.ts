import { describe, expect, it } from 'vitest';
import { createInstallManifests } from '../../api/install/install-manifests.ts';
import { notesOnManifests } from './install-notes.ts';

const manifests = (enrolmentAddress: string) =>
  createInstallManifests({
    ...{ cluster: 'eu-1', token: 'none', namespace: 'fairway-agent', enrolmentAddress },
    image: 'registry.example/fairway-agent:0.1.0',
    rights: { mode: 'cluster-admin' },
    ...{ impersonate: false, replicas: 1, hubAddress: undefined },
  });

describe('notesOnManifests', () => {
  it('names what the cluster has to pull and to reach', () => {
    expect(notesOnManifests(manifests('hub.example:8444'))).toBe(
      'The cluster has to be able to pull registry.example/fairway-agent:0.1.0, and to reach hub.example:8444.\n',
    );
  });

  it.each(['127.0.0.1:8444', 'localhost:8444', '[::1]:8444'])('warns of %s', (address) => {
    const [, warning] = notesOnManifests(manifests(address)).split('\n');
    expect(warning).toContain(`${address} is reached from this machine alone`);
    expect(warning).toContain('--enrolment-address');
  });

  it('says nothing of what holds no agent', () => {
    expect(notesOnManifests('# nothing\n---\nkind: Secret\n')).toBe('');
  });
});
