/** Outputs are cut at 4,096 bytes, never within a character. */

import { describe, expect, it } from 'vitest';
import { bodyText, capOutput } from './output.ts';

describe('an output', () => {
  it.each([
    ['short', 'fine', 'fine'],
    ['just short enough', 'x'.repeat(4_096), 'x'.repeat(4_096)],
    ['a byte too long', 'x'.repeat(4_097), `${'x'.repeat(4_096)} ... (captured 4096 of 4097 bytes)`],
    ['long in bytes only', 'é'.repeat(2_049), `${'é'.repeat(2_048)} ... (captured 4096 of 4098 bytes)`],
    ['cut within a character', `x${'€'.repeat(2_000)}`, `x${'€'.repeat(1_365)} ... (captured 4096 of 6001 bytes)`],
  ])('%s', (_name, text, expected) => expect(capOutput(text)).toBe(expected));

  it('of a body says how much was read, and survives what is no text', () => {
    expect(bodyText(Buffer.from('ok'))).toBe('ok');
    expect(bodyText(Buffer.alloc(9_000, 'x'))).toBe(`${'x'.repeat(4_096)} ... (captured 4096 bytes)`);
    expect(bodyText(Buffer.from([0xff, 0x41]))).toBe('\uFFFDA');
  });
});
