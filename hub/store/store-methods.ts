/** Every repository method with what it does to the store. A compile error here means that the contract grew. */
import type { Store } from './store.ts';

export type RepositoryName =
  | 'meta'
  | 'sources'
  | 'fleet'
  | 'content'
  | 'renders'
  | 'releases'
  | 'history'
  | 'registry'
  | 'access'
  | 'observations'
  | 'events'
  | 'parity'
  | 'failovers';

/** A `write` gets a savepoint of its own and the write lock from the start. */
export type MethodKind = 'read' | 'write';

type MethodTable = { readonly [R in RepositoryName]: Readonly<Record<keyof Store[R], MethodKind>> };

export const storeMethods = {
  meta: {
    epoch: 'write',
    advanceEpoch: 'write',
    secret: 'read',
    ensureSecret: 'write',
    value: 'read',
    setValue: 'write',
  },
  sources: {
    list: 'read',
    get: 'read',
    save: 'write',
    remove: 'write',
    saveRevision: 'write',
    saveRendering: 'write',
    revision: 'read',
    latestRevision: 'read',
    revisions: 'read',
    rememberDelivery: 'write',
  },
  fleet: { load: 'read', hasKind: 'read', resolution: 'read', resolutions: 'read' },
  content: {
    saveSets: 'write',
    saveTargets: 'write',
    target: 'read',
    targets: 'read',
    objects: 'read',
    unreachable: 'read',
  },
  renders: { roots: 'read', results: 'write', refresh: 'write', save: 'write' },
  releases: {
    savePlan: 'write',
    release: 'read',
    releases: 'read',
    rollout: 'read',
    rolloutVersion: 'read',
    rollouts: 'read',
    saveRollout: 'write',
    saveRollouts: 'write',
    assignments: 'read',
    acknowledge: 'write',
    pauses: 'read',
    savePause: 'write',
    removePause: 'write',
    expirePauses: 'write',
    confirmations: 'read',
    confirm: 'write',
  },
  history: { list: 'read', record: 'read', clusters: 'read', timeline: 'read' },
  registry: {
    clusters: 'read',
    cluster: 'read',
    seen: 'write',
    saveFenceContact: 'write',
    saveToken: 'write',
    token: 'read',
    tokens: 'read',
    revokeToken: 'write',
    redeemToken: 'write',
    saveCertificate: 'write',
    certificate: 'read',
    certificates: 'read',
    revokeCertificates: 'write',
    forget: 'write',
  },
  access: {
    saveToken: 'write',
    tokenByHash: 'read',
    tokens: 'read',
    touchToken: 'write',
    revokeToken: 'write',
  },
  observations: { saveBatch: 'write', applications: 'read', objects: 'read' },
  failovers: { open: 'read', get: 'read', save: 'write', list: 'read' },
  parity: { states: 'read', save: 'write', remove: 'write', timeline: 'read' },
  events: {
    append: 'write',
    list: 'read',
    after: 'read',
    lastSequence: 'read',
    firstSequence: 'read',
    setOutboxTypes: 'write',
    outbox: 'read',
    settleOutbox: 'write',
    deferOutbox: 'write',
  },
} as const satisfies MethodTable;
