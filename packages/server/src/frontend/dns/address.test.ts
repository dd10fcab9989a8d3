import { describe, expect, it } from 'vitest';
import { addressDigits } from './address.ts';

describe('an address in digits', () => {
  it.each([
    ['10.0.0.1', '0a000001'],
    ['255.255.255.255', 'ffffffff'],
    ['2001:db8::5', '20010db8000000000000000000000005'],
    ['2001:DB8:0:0:0:0:0:5', '20010db8000000000000000000000005'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['fe80::', 'fe800000000000000000000000000000'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ['64:ff9b::10.0.0.1', '0064ff9b00000000000000000a000001'],
    ['::ffff:10.0.0.1', '0a000001'],
    ['::ffff:0a00:0001', '0a000001'],
  ])('%s is %s', (address, digits) => {
    expect(addressDigits(address)).toBe(digits);
  });

  const others = ['', 'localhost', 'example.org', '10.0.0', '10.0.0.256', '10.0.0.01', '1::2::3', 'fe80::1%eth0', '/a.sock'];
  it.each(others)('%j has no digits', (address) => {
    expect(addressDigits(address)).toBeUndefined();
  });
});
