import type { Paint } from '../../../shared/text/paint.ts';
import type { CliIo } from '../io.ts';

export type Colours = Paint;

/** Colours on a terminal only, and not where NO_COLOR is set (https://no-color.org); FORCE_COLOR overrides both. */
export function createColours({ terminal, env }: Pick<CliIo, 'terminal' | 'env'>): Colours {
  const force = env['FORCE_COLOR'];
  const forced = force !== undefined && force !== '' && force !== '0';
  const on = forced || (terminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb');
  const paint = (open: number, close: number) => (text: string) =>
    on && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    good: paint(32, 39),
    warn: paint(33, 39),
    bad: paint(31, 39),
  };
}
