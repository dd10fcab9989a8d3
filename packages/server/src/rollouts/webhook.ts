/** Asks the webhook of an alarm. The answer is small and comes soon, or it is none. */

import type { StagedRollout } from '../registry/kind/config/find.ts';
import type { ConfigRow } from '../registry/kind/config/rows.ts';

/** Fetches a text; rejects when it does not come within the limits. */
export type Ask = (url: string, limits: { readonly ca: string; readonly bytesMax: number; readonly timeoutMs: number }) => Promise<string>;

const limits = { ca: '', bytesMax: 16_384, timeoutMs: 3_000 } as const;

/** Characters of its reason that the history keeps. */
const whyMax = 500;

/**
 * @returns why it ends the rollout; undefined when it does not
 * @throws Error when there is no answer, or it is not `{"alarm": boolean, "why"?: string}`
 */
export async function askWebhook(ask: Ask, webhook: string, row: ConfigRow, { name, release, staged }: StagedRollout): Promise<string | undefined> {
  const url = new URL(webhook);
  const about = { environment: row.namespace, app: row.app, cluster: row.cluster, name: row.name, rollout: name, release: String(release), stage: String(staged.stage) };
  for (const [key, value] of Object.entries(about)) url.searchParams.set(key, value);
  const answer: unknown = JSON.parse(await ask(url.href, limits));
  if (typeof answer !== 'object' || answer === null || !('alarm' in answer) || typeof answer.alarm !== 'boolean') {
    throw new Error(`webhook ${webhook} answered something else than {"alarm": true} or {"alarm": false}`);
  }
  if (!answer.alarm) return undefined;
  const why = 'why' in answer && typeof answer.why === 'string' && answer.why !== '' ? answer.why : 'it gave no reason';
  return `webhook ${url.host}: ${why.slice(0, whyMax)}`;
}
