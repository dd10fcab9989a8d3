/** The holder of a lock is paused past the TTL of its session, and wakes up while another one holds the lock. */

import { pause } from '../../processes.mjs';
import { onEtcd } from '../harness.mjs';

export const row = {
  what: 'leader of a lock paused past its TTL',
  target: '100 % of its late writes refused',
  async run({ quick }) {
    const locks = quick ? 20 : 200;
    return onEtcd({}, async ({ nodes }) => {
      const [one, other, third] = nodes.map(({ url }) => url);
      const put = async (url, path, body = '') => {
        const answer = await fetch(url + path, { method: 'PUT', body: typeof body === 'string' ? body : JSON.stringify(body) });
        return { status: answer.status, text: await answer.text() };
      };
      const session = async (url) => JSON.parse((await put(url, '/v1/session/create', { TTL: '10s', LockDelay: '0s' })).text).ID;
      const work = Array.from({ length: locks }, async (_, number) => {
        const key = `locks/${number}`;
        const leader = await session(one);
        if ((await put(one, `/v1/kv/${key}?acquire=${leader}`)).text !== 'true') throw new Error(`${key} was not acquired`);
        // The leader is paused here and renews nothing. The next one tries until the registry has ended the session.
        const next = await session(other);
        const renewing = setInterval(() => void put(other, `/v1/session/renew/${next}`), 4_000);
        for (let tries = 0; (await put(other, `/v1/kv/${key}?acquire=${next}`)).text !== 'true'; tries++) {
          if (tries > 240) throw new Error(`${key} was not free after a minute`);
          await pause(250);
        }
        // It wakes up and sends its late write to any node.
        const data = { KV: { Verb: 'set', Key: `data/${number}`, Value: '' } };
        const late = [
          put(third, '/v1/txn', [{ KV: { Verb: 'check-session', Key: key, Session: leader } }, data]),
          put(one, '/v1/txn', [{ KV: { Verb: 'lock', Key: key, Session: leader } }, data]),
          put(other, `/v1/kv/${key}?acquire=${leader}`),
          put(third, `/v1/kv/${key}?release=${leader}`),
        ];
        const answers = await Promise.all(late);
        clearInterval(renewing);
        const good = await put(third, '/v1/txn', [{ KV: { Verb: 'check-session', Key: key, Session: next } }, data]);
        return { late: late.length, taken: answers.filter(({ status, text }) => status === 200 && text.trim() !== 'false').length, leads: good.status === 200 };
      });
      const done = await Promise.all(work);
      const late = done.reduce((sum, each) => sum + each.late, 0);
      const taken = done.reduce((sum, each) => sum + each.taken, 0);
      const leading = done.filter(({ leads }) => leads).length;
      return {
        met: taken === 0 && leading === locks,
        measured: `${late - taken} of ${late} refused (${(((late - taken) / late) * 100).toFixed(1)} %)`,
        detail: `${locks} locks with sessions of 10 s that are not renewed, which the registry ends after twice that. The old leader then sends a transaction that names its session, one that takes the lock, an acquire and a release, to different nodes; the new one could write in ${leading} of ${locks}`,
      };
    });
  },
};
