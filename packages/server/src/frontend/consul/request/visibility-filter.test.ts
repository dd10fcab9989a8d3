/** What callers see: whole answers are told from narrowed ones without looking at every row. */

import { expect, test } from 'vitest';
import type { Caller } from '../../../security/acl.ts';
import { compileRules } from '../../../security/authorizer.ts';
import { parseRules } from '../../../security/rule-text.ts';
import { anonymousAccessor } from '../../../security/well-known.ts';
import { filteredHead, noFilter, VisibilityFilter, Viewers } from './visibility-filter.ts';

const authorizer = (rules: string) => compileRules([{ namespace: 'default', rules: parseRules(rules) }], 'deny');

test('the filter reports that it left something out only after a hidden row was read', () => {
  const visible = new VisibilityFilter(authorizer('service "web" { policy = "read" }'), 'default');
  expect([visible.includes('service', 'web'), visible.leftOut]).toEqual([true, false]);
  expect([visible.includes('service', 'db'), visible.leftOut]).toEqual([false, true]);
  const manager = new VisibilityFilter(authorizer('acl = "write"'), 'default');
  expect([manager.includesHidden(), manager.leftOut]).toEqual([true, false]);
  const full = noFilter();
  expect([full.includes('key', 'any'), full.includesHidden(), full.leftOut]).toEqual([true, true, false]);
});

test('a viewer sees the whole answer if no rule can hide a row of its kinds', () => {
  const viewers = new Viewers();
  const all = viewers.of(authorizer('node_prefix "" { policy = "read" } service_prefix "" { policy = "write" }'), 'default');
  expect([all.seesAll([]), all.seesAll(['node', 'service']), all.seesAll(['node', 'key']), all.seesAll(['acl'])]).toEqual([true, true, false, false]);
  const hole = viewers.of(authorizer('service_prefix "" { policy = "read" } service "secret" { policy = "deny" }'), 'default');
  expect(hole.seesAll(['service'])).toBe(false);
  // Asked again, it is remembered.
  expect([all.seesAll(['node', 'service']), hole.seesAll(['service'])]).toEqual([true, false]);
});

test('callers with the same permissions are the same viewer; others get another name', () => {
  const viewers = new Viewers();
  const [one, other] = [authorizer(''), authorizer('')];
  expect(viewers.of(one, 'default')).toBe(viewers.of(one, 'default'));
  expect(viewers.of(one, 'default').name).not.toBe(viewers.of(other, 'default').name);
});

test('a viewer sees the rows that its rules show in the namespace of the request, and is cached for each namespace', () => {
  const viewers = new Viewers();
  const rules = authorizer('service_prefix "" { policy = "read" } namespace "team-a" { service "web" { policy = "read" } acl = "write" }');
  const [here, there] = [viewers.of(rules, 'default'), viewers.of(rules, 'team-a')];
  expect(here.name).not.toBe(there.name);
  expect([here.seesAll(['service']), there.seesAll(['service']), there.seesAll(['acl'])]).toEqual([true, false, true]);
  expect([here.filter().includes('service', 'db'), there.filter().includes('service', 'db'), there.filter().includes('service', 'web')]).toEqual([true, false, true]);
});

test('only a caller with a token is told that rows were left out', () => {
  const caller: Caller = { accessorId: 'a', namespace: 'default', authorizer: authorizer(''), secretHash: '', expiresAtMs: Infinity };
  expect(filteredHead(true, caller)).toEqual(['X-Consul-Results-Filtered-By-Acls', 'true']);
  expect(filteredHead(false, caller)).toEqual([]);
  expect(filteredHead(true, { ...caller, accessorId: anonymousAccessor })).toEqual([]);
});
