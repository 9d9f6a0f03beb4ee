import { plain } from '../../../shared/text/plain.ts';

/** Select Graphic Rendition, ECMA-48, 8.3.117. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it begins with one.
const colour = /(\u001b\[[\d;]*m)/;

/**
 * What a terminal may be given of a text that others have a part in: commits, objects, agents, pods. Colours stay, each to the end of its line, so that nobody hides
 * what comes below; what would steer the terminal otherwise is spelled out.
 */
export function terminalText(text: string): string {
  return text.split(/\r?\n/).map(lineOf).join('\n');
}

function lineOf(text: string): string {
  // Every other part is a colour.
  const parts = text.split(colour);
  const shown = parts.map((part, at) => (at % 2 === 1 ? part : plain(part))).join('');
  return parts.length === 1 ? shown : `${shown}\u001b[0m`;
}
