/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
const factors: Readonly<Record<string, number>> = {
  ...{ n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
};

/** A quantity as Kubernetes writes it (`250m`, `1.5Gi`, `12e3`) as a number; undefined for anything else. */
export function parseQuantity(text: string): number | undefined {
  const [, number = '', exponent, suffix = ''] =
    /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d{1,3})|([A-Za-z]{0,2}))$/.exec(text.trim()) ?? [];
  const factor = exponent === undefined ? factors[suffix] : 10 ** Number(exponent);
  return number === '' || factor === undefined ? undefined : Number(number) * factor;
}
