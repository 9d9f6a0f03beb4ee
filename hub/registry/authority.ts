/**
 * The hub's certificate authority: ECDSA P-256, its key and certificate in the store's secrets, so that a backup holds them. It signs two
 * kinds of certificate only: the hub's own (serverAuth) and agents' (clientAuth), so neither can pass for the other.
 */
import 'reflect-metadata';
import { type X509Certificate as NodeCertificate, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { digestText } from '../../shared/manifest/canonical.ts';
import { clusterUri } from '../../shared/stream/protocol.ts';
import type { MetaRepository } from '../store/repositories/meta-repository.ts';

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;

const dayMs = 86_400_000;
const authorityLifetimeMs = 3_650 * dayMs;
/** Certificates count from a little before their making: agents' clocks may lag. */
const backdatedMs = 300_000;

export interface AuthorityOptions {
  readonly meta: Pick<MetaRepository, 'ensureSecret' | 'secret'>;
  readonly clock: Clock;
  readonly random: Random;
}

export interface SignedCertificate {
  readonly der: Uint8Array;
  /** Lower-case hex. */
  readonly serial: string;
  /** SHA-256 of the DER, lower-case hex. */
  readonly fingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface Authority {
  readonly certificateDer: Uint8Array;
  readonly certificatePem: string;
  /** Base64url SHA-256 of the certificate's DER: what a token pins. */
  readonly pin: string;
  /** A client certificate for a cluster over somebody's public key. */
  signAgent(cluster: string, publicKeyDer: Uint8Array, lifetimeMs: number): Promise<SignedCertificate>;
  /** A fresh key and server certificate for these DNS names and IP addresses. */
  issueServer(
    names: readonly string[],
    lifetimeMs: number,
  ): Promise<SignedCertificate & { readonly privateKeyPem: string; readonly chainPem: string }>;
}

/** The library's own names of the web crypto types. */
type X509Keys = Parameters<typeof X509CertificateGenerator.createSelfSigned>[0]['keys'];

const { subtle } = webcrypto;

/** 128 random bits, positive and without a leading zero byte (RFC 5280, 4.1.2.2). */
function createSerial(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function toPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

async function createKey(): Promise<Uint8Array> {
  const pair = await subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  return new Uint8Array(await subtle.exportKey('pkcs8', pair.privateKey));
}

async function loadKeyPair(pkcs8: Uint8Array): Promise<webcrypto.CryptoKeyPair> {
  const privateKey = await subtle.importKey('pkcs8', Uint8Array.from(pkcs8), keyAlgorithm, true, ['sign']);
  const { d: _private, key_ops: _operations, ...open } = await subtle.exportKey('jwk', privateKey);
  return { privateKey, publicKey: await subtle.importKey('jwk', open, keyAlgorithm, true, ['verify']) };
}

async function createCertificate(
  keys: webcrypto.CryptoKeyPair,
  options: AuthorityOptions,
): Promise<Uint8Array> {
  const now = options.clock.now();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Fairway hub CA',
    keys: keys as unknown as X509Keys,
    serialNumber: createSerial(options.random),
    notBefore: new Date(now - backdatedMs),
    notAfter: new Date(now + authorityLifetimeMs),
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey as unknown as X509Keys['publicKey']),
    ],
  });
  return new Uint8Array(certificate.rawData);
}

/** Loads the authority from the store, or makes it on first use. Several hubs on one store end up with the same one. */
export async function loadAuthority(options: AuthorityOptions): Promise<Authority> {
  const { meta, clock, random } = options;
  const pkcs8 = (await meta.secret('ca.key')) ?? (await meta.ensureSecret('ca.key', await createKey()));
  const keys = await loadKeyPair(pkcs8);
  const certificateDer =
    (await meta.secret('ca.crt')) ??
    (await meta.ensureSecret('ca.crt', await createCertificate(keys, options)));
  const issuer = new X509Certificate(Uint8Array.from(certificateDer));
  const certificatePem = toPem('CERTIFICATE', certificateDer);

  const sign = async (
    subject: string,
    publicKeyDer: Uint8Array,
    lifetimeMs: number,
    extensions: readonly Extension[],
  ): Promise<SignedCertificate> => {
    // X.509 times have whole seconds.
    const now = Math.floor(clock.now() / 1000) * 1000;
    const serial = createSerial(random);
    const publicKey = new PublicKey(Uint8Array.from(publicKeyDer));
    const certificate = await X509CertificateGenerator.create({
      subject,
      issuer: issuer.subject,
      serialNumber: serial,
      notBefore: new Date(now - backdatedMs),
      notAfter: new Date(now + lifetimeMs),
      signingAlgorithm,
      publicKey,
      signingKey: keys.privateKey as unknown as X509Keys['privateKey'],
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        await AuthorityKeyIdentifierExtension.create(issuer),
        await SubjectKeyIdentifierExtension.create(publicKey),
        ...extensions,
      ],
    });
    const der = new Uint8Array(certificate.rawData);
    return {
      der,
      serial,
      fingerprint: digestText(der),
      notBeforeMs: now - backdatedMs,
      notAfterMs: now + lifetimeMs,
    };
  };

  return {
    certificateDer,
    certificatePem,
    pin: Buffer.from(digestText(certificateDer), 'hex').toString('base64url'),
    signAgent: (cluster, publicKeyDer, lifetimeMs) =>
      sign(`CN=${cluster}`, publicKeyDer, lifetimeMs, [
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
        new SubjectAlternativeNameExtension([{ type: 'url', value: clusterUri(cluster) }]),
      ]),
    async issueServer(names, lifetimeMs) {
      const key = await createKey();
      const pair = await loadKeyPair(key);
      const spki = new Uint8Array(await subtle.exportKey('spki', pair.publicKey));
      const signed = await sign(`CN=${names[0] ?? 'hub'}`, spki, lifetimeMs, [
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(
          names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value }) as const),
        ),
      ]);
      const privateKeyPem = toPem('PRIVATE KEY', key);
      return { ...signed, privateKeyPem, chainPem: toPem('CERTIFICATE', signed.der) + certificatePem };
    },
  };
}

/** The cluster that a certificate of ours names; undefined for anything else. */
export function clusterOfCertificate(certificate: NodeCertificate): string | undefined {
  const prefix = `URI:${clusterUri('')}`;
  const names = certificate.subjectAltName?.split(', ').filter((name) => name.startsWith(prefix)) ?? [];
  const cluster = names.length === 1 ? names[0]?.slice(prefix.length) : undefined;
  return cluster !== undefined && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(cluster) ? cluster : undefined;
}
