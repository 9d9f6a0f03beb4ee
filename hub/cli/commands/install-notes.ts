/** What `fairway agent install` says beside the manifests, since they go into kubectl unread. Pure. */
import { parseAllDocuments } from 'yaml';

/** What has to be so for the agent to come up, since whoever pipes this into kubectl does not read it. One line each. */
export function notesOnManifests(manifests: string): string {
  const deployments = parseAllDocuments(manifests).map((document) => document.toJS() as Deployment | null);
  const container = deployments.find((one) => one?.kind === 'Deployment')?.spec.template.spec.containers[0];
  if (container === undefined) return '';
  const { image, args = [] } = container;
  const address = args[args.indexOf('--enrolment-address') + 1] ?? '';
  const lines = [`The cluster has to be able to pull ${image}, and to reach ${address}.`];
  if (isLoopback(address))
    lines.push(
      `${address} is reached from this machine alone: give --hub-address and --enrolment-address, or set advertise.agent and advertise.enrolment of the hub.`,
    );
  return lines.map((line) => `${line}\n`).join('');
}

/** As the hub writes it. */
interface Deployment {
  readonly kind: string;
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly { readonly image: string; readonly args?: readonly string[] }[];
      };
    };
  };
}

function isLoopback(address: string): boolean {
  const host = address.slice(0, address.lastIndexOf(':'));
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host);
}
