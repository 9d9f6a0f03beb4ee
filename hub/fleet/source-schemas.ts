/** Schemas of where manifests come from: repositories, refs, overlays, charts. */
import { z } from 'zod';
import { path } from './common-schemas.ts';
import { checkOverlayTemplate } from './overlay-template.ts';

/** A path with `{{cluster.name}}` and such. */
export const overlay = path.superRefine((template, context) => {
  const message = checkOverlayTemplate(template);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

/** A branch, tag or commit as git check-ref-format allows it, roughly: no spaces, no `..`, no leading dash. */
export const ref = z
  .string()
  .regex(/^(?!-)(?!.*\.\.)[\w./@+#=-]{1,255}$/)
  .meta({ description: 'a branch, tag or commit' });

/** A URL by one of these protocols, with nothing in it that would be a secret. */
export function urlWithoutSecrets(protocols: readonly string[]) {
  const [last, ...others] = protocols.map((protocol) => `${protocol}://`).reverse();
  const expected = `${others.reverse().join(', ')} or ${last} URL`;
  return z
    .string()
    .max(2_048)
    .superRefine((text, context) => {
      const url = URL.parse(text);
      const add = (message: string) => context.addIssue({ code: 'custom', message });
      if (!url || !protocols.includes(url.protocol.slice(0, -1))) add(`expected an ${expected}`);
      else if (url.username !== '' || url.password !== '')
        add(
          "a URL may not hold a user name or password: bind credentials to its prefix in the hub's own configuration",
        );
      else if (url.search !== '' || url.hash !== '') add('expected a URL without ? and #');
    })
    .meta({ description: `an ${expected} without credentials` });
}

export const repositoryUrl = urlWithoutSecrets(['https', 'http']);
