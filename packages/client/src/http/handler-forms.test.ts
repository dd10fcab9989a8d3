import { Agent, request, type Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { fetchHandler } from './handler-forms.ts';

/** The handler that arrives at a dispatcher which undici has composed. */
async function handlerOfRequest(): Promise<Dispatcher.DispatchHandler> {
  let heard: Dispatcher.DispatchHandler | undefined;
  const dispatcher = new Agent().compose(() => (_request, handler) => {
    heard = handler;
    handler.onResponseError?.(undefined as never, new Error('not sent'));
    return true;
  });
  await request('http://127.0.0.1:1/', { dispatcher }).catch(() => {});
  await dispatcher.close();
  return heard as Dispatcher.DispatchHandler;
}

describe('fetchHandler', () => {
  it('uses undici’s wrapper directly, since it also has the first form', async () => {
    const handler = await handlerOfRequest();
    expect(typeof handler.onRequestStart).toBe('function');
    expect(fetchHandler(handler)).toBe(handler);
  });

  it('translates for a handler that has only the second form', () => {
    const heard: unknown[] = [];
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => heard.push('start'),
      onResponseStart: (_controller, status, headers) => heard.push(status, { ...headers }),
      onResponseEnd: () => heard.push('end'),
    };
    const translated = fetchHandler(handler);
    translated.onConnect(() => {});
    translated.onHeaders(200, [Buffer.from('X-One'), Buffer.from('1')], () => {}, 'OK');
    translated.onComplete(null);
    expect(heard).toEqual(['start', 200, { 'x-one': '1' }, 'end']);
  });
});
