/** Ends an answer with its body, in one write where that is cheaper (`textBytesMax`). */

import type { ServerResponse } from 'node:http';
import { type Body, textBytesMax } from './answers.ts';

/** @param body of bytes that are sent once, or of one buffer that may be sent again */
export function endWith(response: ServerResponse, body: Buffer | Body): void {
  if (Buffer.isBuffer(body)) {
    if (body.length <= textBytesMax) response.end(body.toString('latin1'), 'latin1');
    else response.end(body);
  } else if (body.bytes <= textBytesMax) response.end(body.text, 'latin1');
  else response.end(body.buffers[0]);
}
