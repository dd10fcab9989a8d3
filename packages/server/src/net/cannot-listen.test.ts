import { expect, test } from 'vitest';
import { cannotListen } from './cannot-listen.ts';

test.each([
  ['EADDRINUSE', 'another program listens there; stop it or choose another port'],
  ['EADDRNOTAVAIL', 'this machine has no such address; choose one that it has, such as 127.0.0.1'],
  ['EACCES', 'this user may not listen there; choose a port above 1023'],
  ['ENOTFOUND', 'there is no such host name; give an address of this machine, such as 127.0.0.1'],
  ['EIO', 'listen EIO'],
])('%s is explained', (code, reason) => {
  const cause = Object.assign(new Error(`listen ${code}`), { code });
  expect(cannotListen('cannot serve DNS', { host: '10.0.0.1', port: 53 }, cause)).toMatchObject({ code: 'failed_precondition', message: `cannot serve DNS on 10.0.0.1:53: ${reason}`, cause });
});
