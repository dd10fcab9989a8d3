/**
 * Collects the data of `rollcall debug` from a registry: answers of its routes now and at intervals, and its log meanwhile. A
 * route that fails is left out, with the reason.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { withTimeLimit } from '@rollcall/protocol';
import { adminCall, textOf, type AdminCall, type Target } from './admin-call.ts';
import type { ArchivedFile } from './tar.ts';

export const captureTargets = ['agent', 'host', 'members', 'status', 'metrics', 'logs'] as const;
export type CaptureTarget = (typeof captureTargets)[number];

export interface CaptureOptions {
  readonly targets: readonly CaptureTarget[];
  readonly durationMs: number;
  readonly intervalMs: number;
  /** Ends the collection early; the data until then is kept. */
  readonly signal: AbortSignal;
}

export interface Captured {
  readonly files: readonly ArchivedFile[];
  /** One sentence for each route that failed. */
  readonly problems: readonly string[];
}

interface Source {
  readonly file: string;
  readonly path: string;
  readonly expect: AdminCall['expect'];
  /** Whether it is requested at every interval. */
  readonly again: boolean;
}

const json = 'application/json';
const sources: Readonly<Record<Exclude<CaptureTarget, 'logs'>, Source>> = {
  // The configuration without secrets.
  agent: { file: 'agent.json', path: '/v1/agent/self', expect: json, again: false },
  host: { file: 'host.json', path: '/v1/agent/host', expect: json, again: false },
  members: { file: 'members.json', path: '/v1/agent/members', expect: json, again: false },
  status: { file: 'status.json', path: '/rollcall/v1/status', expect: json, again: true },
  metrics: { file: 'metrics.json', path: '/v1/agent/metrics', expect: json, again: true },
};

/** Limits the memory for a log that never ends. */
const logBytesMax = 268_435_456;

/** @throws CommandFailure as `adminCall` when every target failed */
export async function capture(target: Target, { targets, durationMs, intervalMs, signal }: CaptureOptions): Promise<Captured> {
  const files: ArchivedFile[] = [];
  const problems: string[] = [];
  const over = withTimeLimit(durationMs, signal);
  const attempt = async (what: string, act: () => Promise<void>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      problems.push(`${what}: ${(error as Error).message}`);
      if (files.length === 0 && problems.length === targets.length) throw error;
    }
  };
  const read = async ({ path, expect }: Source, file: string) => {
    const content = Buffer.from(await textOf(await adminCall({ ...target, path, expect, signal })));
    files.push({ path: file, content });
  };
  const wanted = targets.filter((each) => each !== 'logs').map((each) => [each, sources[each]] as const);
  const log = targets.includes('logs') ? attempt('logs', async () => void files.push(await logUntil(target, over))) : undefined;
  // The failure is thrown below.
  log?.catch(() => undefined);
  for (const [name, source] of wanted) if (!source.again) await attempt(name, () => read(source, source.file));
  for (let round = 1; ; round++) {
    const folder = String(round).padStart(4, '0');
    for (const [name, source] of wanted) if (source.again) await attempt(`${folder}/${name}`, () => read(source, `${folder}/${source.file}`));
    if (!(await pause(intervalMs, over))) break;
  }
  await log;
  return { files, problems };
}

/** @returns whether the time was not over before */
async function pause(ms: number, over: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal: over }).catch(() => undefined);
  return !over.aborted;
}

async function logUntil(target: Target, over: AbortSignal): Promise<ArchivedFile> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    const path = '/v1/agent/monitor?loglevel=debug';
    const log = await adminCall({ ...target, path, expect: 'text/plain; charset=utf-8', silenceMs: 0, signal: over });
    for await (const chunk of log) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > logBytesMax) break;
    }
  } catch (error) {
    if (!over.aborted) throw error;
  }
  return { path: 'registry.log', content: Buffer.concat(chunks) };
}
