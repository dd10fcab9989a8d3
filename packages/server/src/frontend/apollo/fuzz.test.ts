/** Random requests: none is answered with a 5xx, and every error has the form of the protocol. `ROLLCALL_FUZZ_RUNS` sets how many. */

import { request } from 'undici';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigServer } from '../../config-server.case.ts';

const numRuns = Number(process.env['ROLLCALL_FUZZ_RUNS'] ?? 300);
let apollo: ConfigServer;
beforeAll(async () => {
  apollo = await ConfigServer.start();
  await apollo.publish('a/application.properties', 'x=1\n', { format: 'properties' });
  await apollo.publish('a/broken.properties', 'x=\\u12\n', { format: 'properties', unchecked: true });
});
afterAll(() => apollo[Symbol.asyncDispose]());

test('every request has an answer of the protocol', async () => {
  const part = fc.oneof(fc.constantFrom('a', 'default', 'application', 'broken', 'json', 'raw', '%', '%ff', '%2e%2e', 'a%2fb', '__proto__', 'constructor', '.properties', 'x.json'), fc.string({ minLength: 1, maxLength: 12 }).map(encodeURIComponent));
  const entries = fc.oneof(fc.json(), fc.string(), fc.array(fc.record({ namespaceName: fc.constantFrom('application', 'broken'), notificationId: fc.constantFrom(-1, 0, 1e300, 1.5) }), { minLength: 1 }).map((each) => JSON.stringify(each)));
  const query = fc.oneof(fc.constant(''), fc.string({ maxLength: 30 }).map(encodeURIComponent), fc.constantFrom('ip=%', 'releaseKey=+', 'label=%00', 'ip=::ffff:1.2.3.4', 'messages={'));
  const target = fc.oneof(
    fc.tuple(fc.constantFrom('/configs', '/configfiles', '/configfiles/json', '/configfiles/raw', '/apollo/x/configs', '/apollo/%2e%2e/configs'), part, part, part, query).map(([base, app, cluster, name, more]) => `${base}/${app}/${cluster}/${name}?${more}`),
    // A list whose namespaces are all known has an answer at once.
    fc.tuple(part, part, entries).map(([app, cluster, list]) => `/notifications/v2?appId=${app}&cluster=${cluster}&notifications=${encodeURIComponent(list)}`),
  );
  const headers = fc.constantFrom<Record<string, string>>({}, { authorization: 'Apollo a:x', timestamp: '1' }, { authorization: 'Apollo' }, { authorization: 'Bearer x' });
  await fc.assert(
    fc.asyncProperty(target, headers, async (path, sent) => {
      // Only a poll may have no answer: on a busy machine others take their time.
      const signal = path.startsWith('/notifications') ? AbortSignal.timeout(200) : undefined;
      try {
        const { statusCode, body } = await request(new URL(path, apollo.server.url), { headers: sent, ...(signal === undefined ? {} : { signal }) });
        const text = await body.text();
        expect([path, statusCode < 500]).toEqual([path, true]);
        if (statusCode >= 400 && /^\/(?:configs|configfiles|notifications|apollo)\//.test(new URL(path, apollo.server.url).pathname)) expect(JSON.parse(text)).toMatchObject({ status: statusCode });
      } catch (error) {
        // A poll that waits is no failure.
        if (signal?.aborted !== true) throw error;
      }
    }),
    { numRuns },
  );
});
