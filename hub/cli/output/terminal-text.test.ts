import { describe, expect, it } from 'vitest';
import { createSystemIo } from '../io.ts';
import { terminalText } from './terminal-text.ts';

const esc = '\u001b';

describe('terminalText', () => {
  it('leaves lines, tabs and colours, and ends each colour with its line', () => {
    expect(terminalText('NAME\tSTATE\nweb\tHealthy\n')).toBe('NAME\tSTATE\nweb\tHealthy\n');
    expect(terminalText(`a ${esc}[31mbad${esc}[39m b\r\nc\n`)).toBe(
      `a ${esc}[31mbad${esc}[39m b${esc}[0m\nc\n`,
    );
    expect(terminalText(`${esc}[8mhidden\nbelow`)).toBe(`${esc}[8mhidden${esc}[0m\nbelow`);
  });

  it('spells out what would clear the screen, move the cursor, set the title or the clipboard, or turn text round', () => {
    const evil = [
      `${esc}[2J`,
      `${esc}[1A`,
      `${esc}]0;x\u0007`,
      `${esc}]52;c;eA==${esc}\\`,
      '\u009b2J',
      '\r',
      '\u202e',
    ];
    const shown = terminalText(evil.join(' '));
    expect(shown).toBe(
      '\\u001b[2J \\u001b[1A \\u001b]0;x\\u0007 \\u001b]52;c;eA==\\u001b\\ \\u009b2J \\u000d \\u202e',
    );
  });

  it('is what a terminal gets from the command line, and a file or pipe is not', () => {
    const written: string[] = [];
    const stream = (isTTY: boolean) => ({ isTTY, columns: 80, write: (text: string) => written.push(text) });
    const { signal } = new AbortController();
    for (const terminal of [true, false]) {
      const io = createSystemIo(signal, { stdout: stream(terminal), stderr: stream(terminal) });
      io.stdout(`${esc}[2J`);
      io.stderr(`${esc}[2J`);
    }
    expect(written).toEqual(['\\u001b[2J', '\\u001b[2J', `${esc}[2J`, `${esc}[2J`]);
  });
});
