import { listNames } from '../../shared/text/list-names.ts';
import type { FenceContact } from '../model/fencing.ts';

const namesMax = 3;

/** That an agent has fenced applications, by its last word. Empty: none, as far as it has said. */
export function fenceWarning(contact: FenceContact | undefined): string {
  const promises = contact?.promises ?? [];
  const fenced = [...new Set(promises.flatMap((promise) => promise.fenced))].sort();
  if (fenced.length === 0) return '';
  const [left] = promises.flatMap((promise) => (promise.fenced.length > 0 ? promise.left : []));
  const rest = left === undefined ? '' : `; not stopped yet: ${left}`;
  return `its agent has fenced ${listNames(fenced, namesMax)}, since it heard nothing from this hub for too long${rest}`;
}
