/** The largest body of an event, and what is sent instead of a larger one. */

import { expect, it } from 'vitest';
import { bodyBytesMax, bodyOf as bodyOfType } from './body.ts';

const bodyOf = (data: object) => bodyOfType('config.published', 0, data);
/** Bytes of a body around its text. */
const around = Buffer.byteLength(bodyOf({ text: '' }));

it('a body of 64 KiB is sent as it is, and one byte more is cut to what stays true', () => {
  const largest = { text: 'x'.repeat(bodyBytesMax - around) };
  expect(JSON.parse(bodyOf(largest))).toEqual({ type: 'config.published', timestamp: '1970-01-01T00:00:00.000Z', data: largest });
  expect(JSON.parse(bodyOf({ text: `${largest.text}x` }))).toEqual({ type: 'config.published', timestamp: '1970-01-01T00:00:00.000Z', data: { isCut: true } });
});

it('bytes count, not characters', () => {
  const text = 'é'.repeat(Math.floor((bodyBytesMax - around) / 2));
  expect(JSON.parse(bodyOf({ text }))).toMatchObject({ data: { text } });
  expect(JSON.parse(bodyOf({ text: `${text}é` }))).toMatchObject({ data: { isCut: true } });
});
