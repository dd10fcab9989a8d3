/** The thread of content checks: answers one message after the other. It is ended from outside when an answer takes too long. */

import { parentPort } from 'node:worker_threads';
import { toRegistryError } from '@rollcall/protocol';
import { checkContent, checkSchema, flattenContent } from './check.ts';
import type { Job, JobAnswer } from './job.ts';

const port = parentPort;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of a thread has no origins
const send = (message: 'ready' | JobAnswer) => port?.postMessage(message);

port?.on('message', (job: Job) => send(answer(job)));
send('ready');

function answer(job: Job): JobAnswer {
  try {
    switch (job.kind) {
      case 'check':
        return { ok: true, result: checkContent(job.question) };
      case 'schema':
        return { ok: true, result: checkSchema(job.schema) };
      case 'flatten':
        return { ok: true, result: flattenContent(job.content, job.format) };
    }
  } catch (error) {
    const { code, message } = toRegistryError(error);
    return { ok: false, code, message };
  }
}
