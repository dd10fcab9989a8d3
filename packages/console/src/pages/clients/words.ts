/** How the pages of clients say watches, releases and times. */

import type { ListedClient } from '@rollcall/protocol';
import { nowMs } from '../../live/now.ts';

export function watchText({ kind, name }: ListedClient['watches'][number]): string {
  return kind === 'services' ? 'all services' : `${kind} ${name === '' ? '(all)' : name}`;
}

export function releaseText({ name, release, rollout, applied, error }: ListedClient['releases'][number]): string {
  const given = release === 0 ? 'none' : String(release);
  const by = rollout === undefined ? '' : ` by ${rollout}`;
  return `${name} ${given}${by}${error === undefined ? (applied === true ? ' in use' : '') : ` failed: ${error}`}`;
}

/** How long ago: `3 s`, `5 min`, `2 h`, `4 d`; empty when it is not known. */
export function age(sinceMs: number | undefined): string {
  if (sinceMs === undefined) return '';
  const seconds = Math.max(0, Math.round((nowMs() - sinceMs) / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
