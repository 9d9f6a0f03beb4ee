/** One copy of a text that many objects have: kinds, namespaces, labels, sets of fields. */
export type TextPool = (text: string) => string;

/** Beyond it the pool begins anew: some texts are kept twice then, and nothing else comes of it. */
const textsMax = 1_000;
const charactersMax = 2_048;

/** The result gives, of all equal texts, the one that it was given first; long ones it gives back as they are. */
export function createTextPool(): TextPool {
  const known = new Map<string, string>();
  return (text) => {
    if (text.length > charactersMax) return text;
    const first = known.get(text);
    if (first !== undefined) return first;
    if (known.size >= textsMax) known.clear();
    known.set(text, text);
    return text;
  };
}
