/** What a repository, a cluster or an agent says must not steer a terminal, break a line or turn the direction of text: such characters are spelled out. Those that join letters and emoji (U+200C, U+200D) steer nothing. */
export function plain(text: string): string {
  return text.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
    /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
