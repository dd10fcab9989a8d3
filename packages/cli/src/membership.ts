/**
 * Registers an instance for as long as a program runs. The registry may be unreachable at any time:
 * the program does not depend on it, so nothing here throws or takes long.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionEvent, CredentialOptions, Registration, Rollcall } from '@rollcall/client';
import type { InstanceRegistration } from '@rollcall/protocol';

export interface Membership {
  /** Marks the instance as draining; resolves when the registry has it, or after a second. */
  drain(): Promise<void>;
  /** Removes the instance and says goodbye; takes at most three seconds. */
  leave(): Promise<void>;
}

export interface JoinOptions {
  readonly servers: readonly string[];
  readonly credentials: CredentialOptions;
  readonly namespace: string;
  /** Called before each attempt, since addresses may be unknown while the network is down. */
  readonly instance: () => Promise<InstanceRegistration>;
  /** Prints one line for people. */
  readonly tell: (line: string) => void;
}

/** Pause between attempts to find the address to register; the client itself waits for the registry. */
const pauseMs = 200;
const drainMs = 1_000;
const leaveMs = 3_000;

/** Registers in the background and keeps the registration. */
export function joinRegistry(options: JoinOptions): Membership {
  const stopped = new AbortController();
  let rollcall: Rollcall | undefined;
  let registration: Registration | undefined;

  const report = reporter(options);
  const attempt = async () => {
    const { signal } = stopped;
    const instance = await options.instance();
    // Loaded while the program already runs, so that the program does not wait for it.
    const { connect } = await import('@rollcall/client');
    rollcall ??= await connect({
      ...options.credentials,
      servers: options.servers,
      namespace: options.namespace,
      name: `rollcall run ${instance.service}`,
      onEvent: report,
    });
    signal.throwIfAborted();
    registration = rollcall.announce(instance);
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

/** Reports once that the registry is unreachable or refuses, for any number of tries, and once that it works again. */
function reporter({ servers, tell }: JoinOptions): (event: ConnectionEvent) => void {
  let away = false;
  let seen = false;
  let registered = false;
  let denied = '';
  return (event) => {
    if (event.kind === 'warning') tell(event.message);
    if (event.kind === 'registered') {
      if (!registered || denied !== '') tell(`registered ${event.id} as an instance of ${event.service}`);
      registered = true;
      denied = '';
    }
    // An unreachable registry is reported below.
    if (event.kind === 'not-registered' && event.code !== 'unavailable' && event.reason !== denied) {
      denied = event.reason;
      tell(`not registered, the program runs on and is registered when the registry takes it: ${denied}`);
    }
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
  let told = '';
  while (!signal.aborted) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (signal.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== told) tell(`not registered yet, the program runs on: ${reason}`);
      told = reason;
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Resolves within `limitMs`, also when `action` fails or takes longer. */
async function within(limitMs: number, action: Promise<void> | undefined): Promise<void> {
  const done = new AbortController();
  const late = sleep(limitMs, undefined, { signal: done.signal }).catch(() => undefined);
  await Promise.race([action?.catch(() => undefined), late]);
  done.abort();
}
