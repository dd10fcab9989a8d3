/** After a restart of the server the page goes on by itself; if the server has another console now, it offers to load that one. */

import { createEffect, createSignal, on, type Accessor } from 'solid-js';
import { loadSession } from '../session.ts';
import type { Link } from './views.ts';

/** @returns whether the server's console is another one than this page's program */
export function watchForUpgrade(link: Accessor<Link>): Accessor<boolean> {
  const [isOther, setOther] = createSignal(false);
  let wasLost = false;
  const look = async (): Promise<void> => {
    await loadSession();
    // The names of the program's files have a hash of their content.
    const program = document.querySelector<HTMLScriptElement>('script[type=module]');
    const page = await fetch('/ui/', { cache: 'no-store' });
    if (program !== null && page.ok) setOther(!(await page.text()).includes(new URL(program.src).pathname));
  };
  createEffect(on(() => link().isConnected, (isConnected) => {
    // If it fails, the connection is lost again, and this is done with the next one.
    if (isConnected && wasLost) look().catch(() => {});
    if (!isConnected && link().staleSinceMs !== undefined) wasLost = true;
  }));
  return isOther;
}
