import { expect, it } from 'vitest';
import { isInNetwork, parseNetwork } from './network.ts';

it.each<[address: string, network: string, inside: boolean]>([
  ['10.0.0.1', '10.0.0.1', true],
  ['10.0.0.1', '10.0.0.2', false],
  ['10.1.2.3', '10.0.0.0/8', true],
  ['11.1.2.3', '10.0.0.0/8', false],
  ['10.0.0.129', '10.0.0.128/25', true],
  ['10.0.0.127', '10.0.0.128/25', false],
  ['192.168.255.1', '192.168.0.0/17', false],
  ['10.0.0.1', '0.0.0.0/0', true],
  ['::ffff:10.1.2.3', '10.0.0.0/8', true],
  ['10.1.2.3', '::ffff:10.0.0.0/104', true],
  ['2001:db8::1', '2001:db8::/32', true],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1', true],
  ['2001:db9::1', '2001:db8::/32', false],
  ['fe80::1', '::/0', true],
  ['10.0.0.1', '::/0', false],
  ['host.example', 'host.example', true],
  ['host.example', '0.0.0.0/0', false],
])('%s in %s: %s', (address, network, inside) => {
  expect(isInNetwork(address, network)).toBe(inside);
});

it.each(['10.0.0.0/33', '10.0.0/8', '010.0.0.1', '1::2::3', '::/129', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '10.0.0.0/-1', 'x', '', '1:2:3:4:5:6:7::8', ':1:2:3:4:5:6:7'])('%j is no network', (text) => {
  expect(parseNetwork(text)).toBeUndefined();
});
