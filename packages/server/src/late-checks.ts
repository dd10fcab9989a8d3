/** Loads the checks of contents when the first content is checked: their parsers take longer to load than the rest of the server. */

import type { Clock } from './clock.ts';
import type { ContentChecks } from './config-content/content.ts';

export function lateChecks(clock: Clock): ContentChecks {
  let loading: Promise<ContentChecks> | undefined;
  const loaded = () => (loading ??= import('./config-content/checker.ts').then(({ ContentChecker }) => new ContentChecker({ clock })));
  return {
    check: async (question) => (await loaded()).check(question),
    checkSchema: async (schema) => (await loaded()).checkSchema(schema),
    flatten: async (content, format) => (await loaded()).flatten(content, format),
    close: async () => (await loading)?.close(),
  };
}
