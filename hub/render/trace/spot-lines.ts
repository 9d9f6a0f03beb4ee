import type { Written } from '../../model/trace.ts';
import { isMounted } from '../remote/mount.ts';
import type { TreeView } from '../tree-view.ts';
import type { Spot, TextSource } from './lineage.ts';
import { type LineFound, TextLines } from './text-lines.ts';

/** Turns spots into files and lines; each text is parsed once. */
export class SpotLines {
  readonly #view: TreeView;
  readonly #bytesMax: number;
  readonly #texts = new Map<string, Promise<TextLines>>();
  /** Most spots of one text share its source. */
  readonly #opened = new WeakMap<TextSource, Promise<TextLines>>();
  readonly #raw = new Map<string, Promise<string>>();
  readonly #oids = new Map<string, string | undefined>();

  constructor(view: TreeView, bytesMax: number) {
    this.#view = view;
    this.#bytesMax = bytesMax;
  }

  /** What is not found is told as the nearest that holds it, which then says no more than `cause`. */
  async written(spot: Spot, holds: Written['holds']): Promise<Written> {
    const found = await this.#find(spot);
    const { file, line } = await this.#inFile(spot.text, found.line);
    return this.inFile(file, line, found.depth < spot.path.length ? 'cause' : holds);
  }

  async inFile(file: string, line: number, holds: Written['holds'], field = ''): Promise<Written> {
    if (!this.#oids.has(file))
      this.#oids.set(file, file === '' ? undefined : (await this.#view.entry(file))?.oid);
    const oid = this.#oids.get(file);
    const source = isMounted(file) ? 'remote' : 'repository';
    return { source, file, line, field, ...(oid === undefined ? {} : { oid }), holds };
  }

  /** The line of a key in the first of the files that has it. */
  async envKey(files: readonly string[], key: string, holds: Written['holds']): Promise<Written | undefined> {
    for (const file of files) {
      const lines = (await this.#read(file)).split('\n');
      const index = lines.findIndex((line) => {
        const text = line.trimStart();
        const equals = text.indexOf('=');
        return (equals < 0 ? text.trimEnd() : text.slice(0, equals)) === key;
      });
      if (index >= 0) return this.inFile(file, index + 1, holds);
    }
    return undefined;
  }

  async #find({ text, document, path }: Spot): Promise<LineFound> {
    return (await this.#lines(text)).find(document, path);
  }

  /** A line of a text within another is a line of the file where the text's lines are. */
  async #inFile(text: TextSource, line: number): Promise<{ readonly file: string; readonly line: number }> {
    if ('path' in text) return { file: text.path, line };
    const { within, trimmed } = text;
    const scalar = (await this.#lines(within.text)).scalar(within.document, within.path);
    if (scalar === undefined) return this.#inFile(within.text, (await this.#find(within)).line);
    const [blank = ''] = trimmed ? (/^\s*/.exec(scalar.text) ?? []) : [];
    const below = scalar.keepsLines ? line + blank.split('\n').length - 1 : 0;
    return this.#inFile(within.text, scalar.line + below);
  }

  #lines(text: TextSource): Promise<TextLines> {
    const known = this.#opened.get(text);
    if (known !== undefined) return known;
    const key = JSON.stringify(text);
    const lines = this.#texts.get(key) ?? this.#open(text);
    this.#texts.set(key, lines);
    this.#opened.set(text, lines);
    return lines;
  }

  async #open(text: TextSource): Promise<TextLines> {
    if ('path' in text) return new TextLines(await this.#read(text.path));
    const { within, trimmed } = text;
    const scalar = (await this.#lines(within.text)).scalar(within.document, within.path);
    return new TextLines((trimmed ? scalar?.text.trim() : scalar?.text) ?? '');
  }

  #read(path: string): Promise<string> {
    let text = this.#raw.get(path);
    if (text === undefined) {
      text = this.#view.read(path, this.#bytesMax).then((bytes) => new TextDecoder().decode(bytes));
      this.#raw.set(path, text);
    }
    return text;
  }
}
