/**
 * An instance in the registry for as long as a program runs. The registry may be away at any time:
 * the program's life does not depend on it, so nothing here throws or takes long.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionEvent, CredentialOptions, Registration, Rollcall } from '@rollcall/client';
import { isRegistryError, type ErrorCode, type InstanceRegistration } from '@rollcall/protocol';

export interface Membership {
  /** Takes the instance out of the choice; resolves when the registry has it, or after a second. */
  drain(): Promise<void>;
  /** Removes the instance and says goodbye; takes at most three seconds. */
  leave(): Promise<void>;
}

export interface JoinOptions {
  readonly servers: readonly string[];
  readonly credentials: CredentialOptions;
  /** Asked before each attempt, since addresses may not be known while the network is away. */
  readonly instance: () => Promise<InstanceRegistration>;
  /** Says what people should know, one line. */
  readonly tell: (line: string) => void;
}

/** The client itself waits for a registry for a while; this is for errors that come at once. */
const pauseMs = 200;
const drainMs = 1_000;
const leaveMs = 3_000;

/** What would be refused again. */
const refusals: ReadonlySet<ErrorCode> = new Set(['invalid_argument', 'already_exists', 'permission_denied']);

/** Joins in the background and stays. */
export function joinRegistry(options: JoinOptions): Membership {
  const stopped = new AbortController();
  let rollcall: Rollcall | undefined;
  let registration: Registration | undefined;

  const report = reporter(options);
  const attempt = async () => {
    const { signal } = stopped;
    const instance = await options.instance();
    // Loaded while the program already runs: it does not wait for this.
    const { connect } = await import('@rollcall/client');
    rollcall ??= await connect({
      ...options.credentials,
      servers: options.servers,
      name: `rollcall run ${instance.service}`,
      onEvent: report,
    });
    signal.throwIfAborted();
    registration = await rollcall.register(instance, { signal });
    options.tell(`registered ${instance.id} as an instance of ${instance.service}`);
  };
  const joining = keepTrying(attempt, options, stopped.signal);

  const leave = async () => {
    stopped.abort();
    await joining;
    // Says goodbye, which removes the instance.
    await rollcall?.close();
  };
  return {
    drain: () => within(drainMs, registration?.drain()),
    leave: () => within(leaveMs, leave()),
  };
}

/** Tells once that the registry is away, however often it is tried, and once that it is back. */
function reporter({ servers, tell }: JoinOptions): (event: ConnectionEvent) => void {
  let away = false;
  let seen = false;
  return (event) => {
    if (event.kind === 'warning') tell(event.message);
    if (event.kind === 'refused') {
      away = true;
      tell(`${event.reason}; the program runs, and is registered when the registry takes its token`);
    }
    if (event.kind === 'connected') {
      if (away && seen) tell(`the registry at ${event.server} is back`);
      away = false;
      seen = true;
    }
    if ((event.kind === 'unreachable' || event.kind === 'disconnected') && !away) {
      away = true;
      tell(`no registry answers at ${servers.join(', ')} (${event.reason}); the program runs, and is registered when one does`);
    }
  };
}

async function keepTrying(attempt: () => Promise<void>, { tell }: JoinOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (isRegistryError(error) && refusals.has(error.code)) {
        tell(`not registered, the program runs on: ${error.message}`);
        return;
      }
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Whatever becomes of `action`, resolves within `limitMs`. */
async function within(limitMs: number, action: Promise<void> | undefined): Promise<void> {
  const done = new AbortController();
  const late = sleep(limitMs, undefined, { signal: done.signal }).catch(() => undefined);
  await Promise.race([action?.catch(() => undefined), late]);
  done.abort();
}
