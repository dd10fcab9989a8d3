import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ownAddress } from './own-address.ts';

describe('this machine’s address', () => {
  it('towards a registry on this machine is loopback', async () => {
    expect(await ownAddress('http://127.0.0.1:8500')).toBe('127.0.0.1');
    expect(await ownAddress('http://localhost:8500')).toMatch(/^(127\.|::1$)/);
  });

  const external = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal);

  it('towards an address of this machine is that address', async ({ skip }) => {
    skip(external === undefined, 'this machine has no address but loopback');
    expect(await ownAddress(`http://${external?.address}:8500`)).toBe(external?.address);
  });

  it('is unknown towards a name that does not exist', async () => {
    expect(await ownAddress('http://no-such-host.invalid:8500')).toBeUndefined();
  });
});
