/** Outputs are cut at 4,096 bytes, never within a character. */

import { describe, expect, it } from 'vitest';
import { shownUrl } from '../../outbound/http-request.ts';
import { bodyText, capOutput } from './output.ts';

describe('an output', () => {
  it.each([
    ['short', 'fine', 'fine'],
    ['just short enough', 'x'.repeat(4_096), 'x'.repeat(4_096)],
    ['a byte too long', 'x'.repeat(4_097), `${'x'.repeat(4_096)} ... (captured 4096 of 4097 bytes)`],
    ['long in bytes only', 'é'.repeat(2_049), `${'é'.repeat(2_048)} ... (captured 4096 of 4098 bytes)`],
    ['cut within a character', `x${'€'.repeat(2_000)}`, `x${'€'.repeat(1_365)} ... (captured 4096 of 6001 bytes)`],
  ])('%s', (_name, text, expected) => expect(capOutput(text)).toBe(expected));

  it('of a body has the number of bytes read, and accepts bytes that are not text', () => {
    expect(bodyText(Buffer.from('ok'))).toBe('ok');
    expect(bodyText(Buffer.alloc(9_000, 'x'))).toBe(`${'x'.repeat(4_096)} ... (captured 4096 bytes)`);
    expect(bodyText(Buffer.from([0xff, 0x41]))).toBe('\uFFFDA');
  });
});

describe('a URL', () => {
  it.each([
    ['http://10.0.0.1:80/health?x=1', 'http://10.0.0.1:80/health?x=1'],
    ['http://user:pass@10.0.0.1:8080/health', 'http://10.0.0.1:8080/health'],
    ['https://user@web.test/', 'https://web.test/'],
    ['HTTP:user:pa%73s@web.test', 'http://web.test/'],
    ['http://a@b@web.test/@', 'http://web.test/@'],
    ['http://web.test/path@2?q=a@b', 'http://web.test/path@2?q=a@b'],
    ['http://user:pass@[broken', 'http://[broken'],
  ])('%s is shown as %s, without its password', (url, shown) => expect(shownUrl(url)).toBe(shown));
});
