/** `1 min 30 s`, `2 h 5 min`; rounded up to whole seconds, seconds left out beside hours. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const [hours, minutes, rest] = [
    Math.floor(seconds / 3_600),
    Math.floor((seconds % 3_600) / 60),
    seconds % 60,
  ];
  const parts = [hours && `${hours} h`, minutes && `${minutes} min`, rest && hours === 0 && `${rest} s`];
  return parts.filter(Boolean).join(' ') || '0 s';
}
