/** ACLs: which are kept, and what they allow. */

import { expect, test } from 'vitest';
import { aclAllows, resolvedAcl } from './acl.ts';
import { isNetwork, matchesNetwork } from './acl-network.ts';
import { perms } from './rows.ts';

const ann = { scheme: 'digest', id: 'ann:h' };

test('"auth" stands for every digest of the client, and entries that repeat are left out', () => {
  const all = { perms: 31, scheme: 'auth', id: '' };
  const bob = { scheme: 'digest', id: 'bob:h' };
  expect(resolvedAcl('/a', [all, all, { perms: 1, scheme: 'world', id: 'anyone' }], [ann, bob, { scheme: 'ip', id: '10.0.0.1' }])).toEqual([
    { perms: 31, ...ann },
    { perms: 31, ...bob },
    { perms: 1, scheme: 'world', id: 'anyone' },
  ]);
});

test.each([
  ['ip', '10.0.0.0/33'],
  ['ip', 'host'],
  ['digest', 'ann'],
  ['digest', 'ann:b:c'],
  ['world', 'all'],
  ['super', 'x'],
])('the id of %s must not be %s', (scheme, id) => {
  expect(() => resolvedAcl('/a', [{ perms: 31, scheme, id }], [])).toThrow(/the ACL for "\/a" is not valid/);
});

test('an entry allows its bits to those that it names', () => {
  const acl = [{ perms: perms.read, scheme: 'world', id: 'anyone' }, { perms: perms.write, ...ann }, { perms: perms.delete, scheme: 'ip', id: '10.0.0.0/8' }];
  expect([
    aclAllows(acl, perms.read, []),
    aclAllows(acl, perms.write, []),
    aclAllows(acl, perms.write, [ann]),
    aclAllows(acl, perms.delete, [{ scheme: 'ip', id: '10.9.8.7' }]),
    aclAllows(acl, perms.delete, [{ scheme: 'ip', id: '11.9.8.7' }]),
    aclAllows(acl, perms.admin, [ann]),
    aclAllows(acl, perms.admin, [{ scheme: 'super', id: '' }]),
  ]).toEqual([true, false, true, true, false, false, true]);
});

test.each([
  ['10.0.0.1', '10.0.0.1', true],
  ['10.0.0.1', '10.0.0.2', false],
  ['10.0.3.1', '10.0.0.0/22', true],
  ['10.0.4.1', '10.0.0.0/22', false],
  ['1.2.3.4', '0.0.0.0/0', true],
  ['::ffff:10.0.0.1', '10.0.0.0/8', true],
  ['fd00::1', 'fd00::/8', true],
  ['fd00::1', 'fe00::/8', false],
  ['::1', '::1', true],
  ['2001:db8::5', '2001:db8:0:0::/64', true],
  ['::1', '127.0.0.1', false],
])('%s in %s: %s', (address, network, expected) => {
  expect(matchesNetwork(address, network)).toBe(expected);
});

test.each(['', '10.0.0', '10.0.0.256', '1:2:3:4:5:6:7:8:9', '1::2::3', '10.0.0.1/', 'fd00::/129', '::12345', '1:2:3:4:5:6:7'])('%j is no network', (text) => {
  expect(isNetwork(text)).toBe(false);
});
