/** `eu-1, eu-2 and 3 more`. @param max how many are spelled out. @param count how many there are. Default: those that are given. */
export function listNames(names: readonly string[], max: number, count = names.length): string {
  const shown = names.slice(0, max);
  const left = count - shown.length;
  return `${shown.join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
}
