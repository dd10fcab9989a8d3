/**
 * A process that leads when it can, for `processes.test.ts`. Every few milliseconds a callback of a timer or a file looks at its signal; while it believes
 * that it leads, it says so, and writes to the fenced file.
 *
 *   node conformance/election/leader.mjs URL NAME FOLDER
 */

import { readFile } from 'node:fs';
import { connect, FencedFile, LeadershipLostError } from '@rollcall/client';

const [url, name, folder] = process.argv.slice(2);
const now = () => Number(process.hrtime.bigint()) / 1e6;
const say = (line) => process.stdout.write(`${JSON.stringify({ name, at: now(), ...line })}\n`);
const client = await connect({ servers: [url], name, onEvent: () => {} });
const file = new FencedFile(folder);

for (;;) {
  const lead = await client.election('proof', { ttl: 1_500, renewEvery: 300, margin: 300, value: name }).campaign();
  const token = String(lead.token);
  say({ what: 'leads', token });
  try {
    await file.raise(lead);
  } catch (error) {
    if (!(error instanceof LeadershipLostError)) throw error;
  }
  await new Promise((ended) => {
    // The time is taken before the look at the signal: the process may be interrupted after it.
    const look = () => {
      const at = now();
      if (lead.signal.aborted) {
        say({ what: 'stops', token });
        clearInterval(timer);
        ended();
        return;
      }
      say({ what: 'believes', token, at });
      file.write(lead, `${name} ${token}`).then(
        () => say({ what: 'wrote', token }),
        (error) => say({ what: error instanceof LeadershipLostError ? 'refused' : 'failed', token }),
      );
      // After a pause, an answer from the disk may come before any timer.
      readFile(folder, look2);
    };
    const look2 = () => {
      const at = now();
      if (!lead.signal.aborted) say({ what: 'believes', token, at });
    };
    const timer = setInterval(look, 10);
  });
}
