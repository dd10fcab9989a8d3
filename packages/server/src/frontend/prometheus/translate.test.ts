/** Labels of a target, and their names. */

import { describe, expect, test } from 'vitest';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';
import { groupOf, labelsOf, sanitize } from './translate.ts';

const plain: InstanceRow = {
  ...{ kind: 'instance', namespace: 'default', node: '', id: 'w1', service: 'web', address: '10.0.0.1', port: 80 },
  ...{ tags: [], meta: {}, weight: 1, registeredMs: 0, created: 1, modified: 1 },
};

const full: InstanceRow = {
  ...plain,
  ...{ node: 'n1', scheme: 'https', ports: { 'm-1': { port: 9_100 } }, zone: 'z1', region: 'r1', cluster: 'blue', weight: 2.5 },
  ...{ tags: ['metrics', 'v2'], meta: { team: 'core', 'app.kubernetes.io/name': 'web', empty: '' } },
};

const own = (labels: Record<string, string>) => Object.fromEntries(Object.entries(labels).map(([name, value]) => [name.replace('__meta_rollcall_', ''), value]));

describe('labels', () => {
  test('of an instance with every field', () => {
    expect(own(labelsOf({ row: full, address: '10.0.0.1', status: 'warning' }))).toEqual({
      ...{ namespace: 'default', service: 'web', node: 'n1', id: 'w1', address: '10.0.0.1', port: '80', scheme: 'https' },
      ...{ zone: 'z1', region: 'r1', cluster: 'blue', status: 'warning', weight: '2.5', tags: ',metrics,v2,' },
      ...{ port_m_1: '9100', meta_team: 'core', meta_app_kubernetes_io_name: 'web' },
    });
  });

  test('of an instance with few fields have no empty values', () => {
    expect(own(labelsOf({ row: plain, address: '10.0.0.1', status: 'passing' }))).toEqual({
      ...{ namespace: 'default', service: 'web', id: 'w1', address: '10.0.0.1', port: '80', status: 'passing', weight: '1' },
    });
  });

  test('of two keys that become the same, the one that needed no change wins, else the first', () => {
    const meta = (of: Record<string, string>) => labelsOf({ row: { ...plain, meta: of }, address: '', status: 'passing' }).__meta_rollcall_meta_a_b;
    expect([meta({ 'a-b': '1', a_b: '2' }), meta({ a_b: '2', 'a-b': '1' })]).toEqual(['2', '2']);
    expect([meta({ 'a.b': '1', 'a-b': '2' }), meta({ 'a-b': '2', 'a.b': '1' })]).toEqual(['2', '2']);
  });

  test('keys like those of Object.prototype are ordinary', () => {
    const row = { ...plain, meta: JSON.parse('{"__proto__":"1","constructor":"2"}') as Record<string, string> };
    const labels = labelsOf({ row, address: '', status: 'passing' });
    expect([labels.__meta_rollcall_meta___proto__, labels.__meta_rollcall_meta_constructor]).toEqual(['1', '2']);
  });
});

test.each([
  ['web', 'web'],
  ['a-b.c/d', 'a_b_c_d'],
  ['ä', '_'],
  ['😀', '_'],
  ['9', '9'],
])('sanitizes %s to %s', (name, label) => expect(sanitize(name)).toBe(label));

test.each([
  ['10.0.0.1', '10.0.0.1:80'],
  ['web.example', 'web.example:80'],
  ['2001:db8::1', '[2001:db8::1]:80'],
])('the target of address %s is %s', (address, target) => {
  expect((JSON.parse(groupOf({ row: plain, address, status: 'passing' })) as { targets: string[] }).targets).toEqual([target]);
});
