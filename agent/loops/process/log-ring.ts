/** The last lines of the log, for diagnostics: bounded by number and by length. */
export interface LogRing {
  /** Writes the line on, and keeps it. */
  readonly write: (line: string) => void;
  /** Oldest first. */
  lines(): readonly string[];
}

const linesMax = 500;
const lineCharactersMax = 2_000;

export function createLogRing(write: (line: string) => void): LogRing {
  const kept: string[] = [];
  return {
    write(line) {
      write(line);
      kept.push(line.slice(0, lineCharactersMax));
      if (kept.length > linesMax) kept.shift();
    },
    lines: () => [...kept],
  };
}
