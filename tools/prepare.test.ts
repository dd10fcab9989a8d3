import { describe, expect, it } from 'vitest';
import { isInstalled, nodeProblem } from './prepare.mjs';

describe('getting a clone ready', () => {
  it('refuses a Node that is too old, and accepts all others', () => {
    expect(nodeProblem('20.18.3')).toContain('20.19');
    expect(nodeProblem('18.20.0')).toContain('20.19');
    expect(nodeProblem('20.19.0')).toBe('');
    expect(nodeProblem('26.10.0')).toBe('');
  });

  const lock = (packages: Record<string, object>) => ({ packages });
  const wanted = lock({
    '': { name: 'workspace' },
    'packages/server': { version: '0.1.0' },
    'node_modules/ws': { version: '8.23.0', integrity: 'sha512-a' },
    'node_modules/@rollcall/server': { link: true },
    'node_modules/fsevents': { version: '2.3.3', optional: true },
  });

  it.each([
    ['nothing is installed', undefined, false],
    ['a package is missing', lock({ 'node_modules/@rollcall/server': { link: true } }), false],
    [
      'a package has another version',
      lock({ 'node_modules/ws': { version: '8.22.0', integrity: 'sha512-b' }, 'node_modules/@rollcall/server': {} }),
      false,
    ],
    [
      'only a package of another platform is missing',
      lock({ 'node_modules/ws': { version: '8.23.0', integrity: 'sha512-a' }, 'node_modules/@rollcall/server': {} }),
      true,
    ],
  ])('sees whether to install when %s', (_case, found, expected) => {
    expect(isInstalled(wanted, found)).toBe(expected);
  });
});
