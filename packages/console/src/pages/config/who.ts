/**
 * Who reads a configuration, asked for again and again. Every answer is counted anew over all instances and nodes, so the pause grows with the time that an
 * answer takes: the question never takes more than a tenth of it.
 */

import { createSignal, onCleanup, type Accessor } from 'solid-js';
import type { ConfigReaders } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { asOfMs } from '../../live/as-of.ts';
import { pathOf } from './data.ts';
import type { Model } from './model.ts';

export interface WhoShown {
  readonly content: ConfigReaders | undefined;
  readonly error: string | undefined;
}

/** Readers that are listed; all are counted. */
export const listedMax = 500;

const pauseMs = 1_000;

/** @param service that has the instances; empty: the app */
export function watchWho({ of, live }: Model, service: Accessor<string>): Accessor<WhoShown> {
  const [state, setState] = createSignal<WhoShown>({ content: undefined, error: undefined });
  let isGone = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = async (): Promise<void> => {
    const beganMs = performance.now();
    try {
      if (asOfMs() !== undefined) setState({ content: undefined, error: 'who had it at a past time is not known; go back to now to see it' });
      else if (!live.isPaused() && document.visibilityState === 'visible') {
        const content = await ask<ConfigReaders>('GET', pathOf('/who', of, { limit: String(listedMax), ...(service() === '' ? {} : { service: service() }) }));
        if (!isGone) setState({ content, error: undefined });
      }
    } catch (error) {
      if (!isGone) setState(({ content }) => ({ content, error: error instanceof Error ? error.message : String(error) }));
    }
    if (!isGone) timer = setTimeout(() => void look(), Math.max(pauseMs, 9 * (performance.now() - beganMs)));
  };
  void look();
  onCleanup(() => {
    isGone = true;
    clearTimeout(timer);
  });
  return state;
}
