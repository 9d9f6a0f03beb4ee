/** Logging as a port: a constant message and fields. Lines are JSON on stderr, or short text on a terminal. */

import { plain } from '../text/plain.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Logger;
}

const order: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40 };

export interface LogOptions {
  /** Lines under this level are dropped. Default info. */
  readonly level?: LogLevel;
  readonly format?: 'json' | 'text';
  readonly write?: (line: string) => void;
  readonly now?: () => number;
}

/** Errors become their message (and code); everything else must be plain data. Stacks are kept at debug level only by the caller. */
function fieldOf(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const code = (value as { code?: unknown }).code;
  return code === undefined ? value.message : `${String(code)}: ${value.message}`;
}

/** A stack is read line by line; none of them begins as an entry does. */
function textOf(key: string, value: string): string {
  return key === 'stack' ? value.split('\n').map(plain).join('\n    ') : plain(value);
}

export function createLogger(options: LogOptions = {}): Logger {
  const least = order[options.level ?? 'info'];
  const write = options.write ?? ((line: string) => process.stderr.write(line + '\n'));
  const now = options.now ?? Date.now;
  const build = (base: LogFields): Logger => {
    const emit = (level: LogLevel, message: string, fields: LogFields = {}) => {
      if (order[level] < least) return;
      const all: Record<string, unknown> = {};
      for (const [key, value] of Object.entries({ ...base, ...fields }))
        if (value !== undefined) all[key] = fieldOf(value);
      const time = new Date(now()).toISOString();
      if (options.format === 'text') {
        const tail = Object.entries(all).map(
          ([key, value]) =>
            `${key}=${textOf(key, typeof value === 'string' ? value : JSON.stringify(value))}`,
        );
        write(`${time} ${level.padEnd(5)} ${message}${tail.length > 0 ? ' ' + tail.join(' ') : ''}`);
      } else {
        write(JSON.stringify({ time, level, message, ...all }));
      }
    };
    return {
      debug: (message, fields) => emit('debug', message, fields),
      info: (message, fields) => emit('info', message, fields),
      warn: (message, fields) => emit('warn', message, fields),
      error: (message, fields) => emit('error', message, fields),
      with: (fields) => build({ ...base, ...fields }),
    };
  };
  return build({});
}

/** Says nothing. */
export const silentLogger: Logger = createLogger({ write: () => {} });
