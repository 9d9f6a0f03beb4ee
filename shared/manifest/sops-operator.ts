import type { KubeObject } from './object.ts';

/** `disabled`: the ciphertext is applied as it is, for a program in the cluster that reads it. */
const sopsAnnotation = 'fairway.dev/sops';

/** Whether something in the cluster opens the object itself: also a SopsSecret (https://github.com/isindir/sops-secrets-operator). Pure. */
export function isForOperator(object: KubeObject): boolean {
  return (
    (object.kind === 'SopsSecret' && object.apiVersion.startsWith('isindir.github.com/')) ||
    object.metadata?.annotations?.[sopsAnnotation] === 'disabled'
  );
}
