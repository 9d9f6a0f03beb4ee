/**
 * An image as one file, in the layout that engines load (`podman load`, `docker load`, `ctr image import`, `skopeo copy oci-archive:`):
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md, manifest.md and config.md.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { createTar, type TarEntry } from './tar.ts';

/** A layer, packed. */
export interface Layer {
  readonly blob: Buffer;
  /** Of the archive before it was compressed, `sha256:...`. */
  readonly diffId: string;
  /** How it came to be, for `history`. */
  readonly createdBy: string;
}

/** What to run and how, as `config` of the image's configuration has it. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly Labels: Readonly<Record<string, string>>;
}

export interface ImageOptions {
  /** With its tag, as in `registry.example/fairway-agent:0.1.0`. */
  readonly reference: string;
  /** In OCI's words: `amd64`, `arm64`. */
  readonly architecture: string;
  /** Seconds of Unix time, of everything in it. */
  readonly epochSeconds: number;
  readonly layers: readonly Layer[];
  readonly config: ImageConfig;
}

export interface Image {
  /** Of the manifest, by which a registry knows the image: `sha256:...`. */
  readonly digest: string;
  /** What a node fetches: bytes of all blobs. */
  readonly size: number;
  /** The image layout as a tar archive. */
  readonly archive: Buffer;
}

const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** @param level of compression, 1 to 9, default 6: part of the digest. */
export function packLayer(
  entries: readonly TarEntry[],
  options: { readonly epochSeconds: number; readonly createdBy: string; readonly level?: number },
): Layer {
  const tar = createTar(entries, options.epochSeconds);
  // Node writes no time and no name into the header of gzip.
  const blob = gzipSync(tar, { level: options.level ?? 6 });
  return { blob, diffId: digestOf(tar), createdBy: options.createdBy };
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** The same bytes for the same options. */
export function packImage(options: ImageOptions): Image {
  const blobs = new Map<string, Uint8Array>();
  const add = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const created = new Date(options.epochSeconds * 1_000).toISOString().replace('.000Z', 'Z');
  const { architecture, layers } = options;
  const config = add(
    'application/vnd.oci.image.config.v1+json',
    json({
      created,
      architecture,
      os: 'linux',
      config: options.config,
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map(({ createdBy }) => ({ created, created_by: createdBy })),
    }),
  );
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = add(
    mediaType,
    json({
      schemaVersion: 2,
      mediaType,
      config,
      layers: layers.map(({ blob }) => add('application/vnd.oci.image.layer.v1.tar+gzip', blob)),
      annotations: options.config.Labels,
    }),
  );
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...manifest,
        platform: { architecture, os: 'linux' },
        annotations: {
          'org.opencontainers.image.ref.name': options.reference.slice(
            options.reference.lastIndexOf(':') + 1,
          ),
          // containerd and Docker name what they load by this.
          'io.containerd.image.name': options.reference,
        },
      },
    ],
  };
  const entries: readonly TarEntry[] = [
    { path: 'oci-layout', type: 'file', bytes: json({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', type: 'file', bytes: json(index) },
    ...[...blobs].map(([digest, bytes]): TarEntry => {
      return { path: `blobs/${digest.replace(':', '/')}`, type: 'file', bytes };
    }),
  ];
  const size = [...blobs.values()].reduce((sum, { length }) => sum + length, 0);
  return { digest: manifest.digest, size, archive: createTar(entries, options.epochSeconds) };
}
