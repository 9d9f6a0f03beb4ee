/** Tells the demo's story: short lines, with a moving progress line on a terminal and plain lines elsewhere. */

export interface Narrator {
  /** A chapter's heading. */
  chapter(title: string): void;
  /** A line of explanation. */
  say(text: string): void;
  /** Shows that work goes on and then how long it took. What is thrown goes through, after the line says so. The result may end the line. */
  step<T>(
    text: string,
    work: (progress: (note: string) => void) => Promise<T>,
    summary?: (result: T) => string,
  ): Promise<T>;
}

export interface NarratorOptions {
  readonly write: (text: string) => void;
  /** A terminal: lines may be redrawn. */
  readonly terminal: boolean;
  readonly colour: boolean;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 100;

function seconds(ms: number): string {
  return ms < 9_950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

export function createNarrator({ write, terminal, colour }: NarratorOptions): Narrator {
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const clearLine = terminal ? '\r\u001b[2K' : '';

  return {
    chapter: (title) => write(`\n${paint(1, title)}\n`),
    say: (text) => write(`  ${text}\n`),
    async step(text, work, summary) {
      const began = performance.now();
      let note = '';
      let frame = 0;
      const draw = () => {
        frame = (frame + 1) % frames.length;
        write(
          `${clearLine}  ${paint(36, frames[frame] ?? '')} ${text}${note === '' ? '' : ` ${paint(2, note)}`}`,
        );
      };
      const timer = terminal ? setInterval(draw, frameMs) : undefined;
      const end = (mark: string, tail: string) => {
        clearInterval(timer);
        write(
          `${clearLine}  ${mark} ${text}${tail === '' ? '' : `: ${tail}`} ${paint(2, `(${seconds(performance.now() - began)})`)}\n`,
        );
      };
      try {
        const result = await work((next) => {
          note = next;
        });
        end(paint(32, '✓'), summary?.(result) ?? '');
        return result;
      } catch (caught) {
        end(paint(31, '✗'), note);
        throw caught;
      }
    },
  };
}
