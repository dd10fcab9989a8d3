/** Copies keys with their values and flags one by one, so that neither side needs memory for all of them. */

import { Refusal, eachOf, encoded } from '../import/http-api.ts';
import type { ConsulRun } from './consul-api.ts';

/** The form of `key`, with flags as text: they have 64 bits, more than JSON's numbers. */
interface Entry {
  readonly Flags: string;
  readonly Value: string | null;
  readonly Session?: string;
}

/** Requests in flight at once. */
const keysAtOnce = 16;

export async function importKeys(run: ConsulRun): Promise<void> {
  let locked = 0;
  await eachOf((await run.from.find<string[]>('/v1/kv/?keys')) ?? [], keysAtOnce, async (key) => {
    await run.copy('keys', key, async () => {
      const path = `/v1/kv/${encoded(key)}`;
      const [entry] = JSON.parse(flagsAsText(await run.from.text('GET', path))) as Entry[];
      if (entry === undefined) throw new Refusal(404, 'it was deleted meanwhile');
      await run.write('PUT', `${path}?flags=${entry.Flags}`, Buffer.from(entry.Value ?? '', 'base64'));
      if (entry.Session !== undefined) locked++;
    });
  });
  if (locked > 0) {
    run.report.skipped.push({ kind: 'keys', reason: `${locked} of them locked by sessions, which are not copied: their holders take the locks again` });
  }
}

/** Does not match inside of a string, where quotes have backslashes before them. */
function flagsAsText(json: string): string {
  return json.replaceAll(/"Flags":\s*(\d+)/g, '"Flags":"$1"');
}
