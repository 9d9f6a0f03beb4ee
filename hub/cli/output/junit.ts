/** One check of a report for CI: passed, or failed with why. */
export interface JunitCase {
  readonly suite: string;
  readonly name: string;
  /** What is worth knowing of it, failed or not. Default nothing. */
  readonly output?: string | undefined;
  /** Undefined: it passed. */
  readonly failure?: { readonly type: string; readonly message: string; readonly text: string } | undefined;
}

/** JUnit's XML, as CI servers read it: a suite for each of the cases' suites, in their order. */
export function renderJunit(name: string, cases: readonly JunitCase[]): string {
  const suites = new Map<string, JunitCase[]>();
  for (const one of cases) suites.set(one.suite, [...(suites.get(one.suite) ?? []), one]);
  const lines = [...suites].flatMap(([suite, own]) => [
    `  <testsuite name="${escapeXml(suite)}" tests="${own.length}" failures="${countFailures(own)}">`,
    ...own.flatMap(renderCase),
    '  </testsuite>',
  ]);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escapeXml(name)}" tests="${cases.length}" failures="${countFailures(cases)}">`,
    ...lines,
    '</testsuites>',
    '',
  ].join('\n');
}

function countFailures(cases: readonly JunitCase[]): number {
  return cases.filter(({ failure }) => failure !== undefined).length;
}

function renderCase({ suite, name, failure, output = '' }: JunitCase): readonly string[] {
  const open = `    <testcase classname="${escapeXml(suite)}" name="${escapeXml(name)}"`;
  if (!failure && output === '') return [`${open}/>`];
  const failed = failure && [
    `      <failure type="${escapeXml(failure.type)}" message="${escapeXml(failure.message)}">${escapeXml(failure.text)}</failure>`,
  ];
  const said = output === '' ? [] : [`      <system-out>${escapeXml(output)}</system-out>`];
  return [`${open}>`, ...(failed ?? []), ...said, '    </testcase>'];
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** XML 1.0 has no place for most control characters: https://www.w3.org/TR/xml/#charsets */
function escapeXml(text: string): string {
  return [...text]
    .filter((character) => character >= ' ' || character === '\n' || character === '\t')
    .join('')
    .replaceAll(/[&<>"]/g, (character) => entities[character] ?? '');
}
