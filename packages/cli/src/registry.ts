/** The connection of commands that send one request: an unreachable registry is reported quickly. */

import type { ConnectionEvent, Rollcall } from '@rollcall/client';
import { isRegistryError } from '@rollcall/protocol';
import { adminCall, denied, strange, targetOf, textOf, unknownToken, unreachable } from './admin-call.ts';
import { credentialOptions } from './credentials.ts';
import { CommandFailure, exitCodes } from './failure.ts';
import { namespaceOf, type RegistryFlags } from './servers.ts';
import { remark, type Terminal } from './terminal.ts';

export interface RegistryOptions {
  readonly terminal: Terminal;
  readonly flags: RegistryFlags;
  /** Name of the client, shown to operators in the registry's sessions. */
  readonly name: string;
  /** Whether outages are told on stderr: its output does not change meanwhile, and looks as if nothing happened. */
  readonly tellsOutages?: true;
}

/** Longest time of a command that sends one request, in milliseconds. */
const patienceMs = 15_000;

/** Runs `ask` with a connection and a signal that aborts when the answer takes too long. */
export function askRegistry(
  options: RegistryOptions,
  ask: (rollcall: Rollcall, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  return withRegistry(options, AbortSignal.timeout(patienceMs), ask);
}

/** Runs `follow` with a connection and a signal that aborts when the reader of its output has ended. */
export function followRegistry(
  options: RegistryOptions,
  follow: (rollcall: Rollcall, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  return withRegistry(options, options.terminal.unread, follow);
}

async function withRegistry(
  { terminal, flags, name, tellsOutages }: RegistryOptions,
  signal: AbortSignal,
  use: (rollcall: Rollcall, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const namespace = namespaceOf(flags, terminal.env);
  const target = await targetOf(flags, terminal);
  const { servers } = target;
  // The client would wait for an unreachable registry, but a person should see the error. This route needs no permission.
  const ready = await adminCall({ ...target, path: '/readyz', expect: 'text/plain; charset=utf-8' });
  if ((await textOf(ready)) !== 'ok\n') throw strange(servers, ready.statusCode);
  // Loaded here, since not every command needs the client.
  const { connect } = await import('@rollcall/client');
  const outages = tellsOutages === true ? { onEvent: outageTeller(terminal) } : {};
  const rollcall = await connect({ servers, name, signal, namespace, ...outages, ...credentialOptions(flags) });
  try {
    await use(rollcall, signal);
  } catch (error) {
    if (terminal.unread.aborted) return;
    if (signal.aborted) throw await unreachable(servers, new Error(`no answer for ${patienceMs / 1000} s`));
    if (isRegistryError(error, 'unavailable')) throw await unreachable(servers, error);
    if (isRegistryError(error, 'unauthenticated')) throw unknownToken(error.message);
    if (isRegistryError(error, 'permission_denied')) throw denied(error.message, error);
    if (isRegistryError(error)) throw new CommandFailure(exitCodes.failure, error.message, { cause: error });
    throw error;
  } finally {
    await rollcall.close();
  }
}

function outageTeller(terminal: Terminal): (event: ConnectionEvent) => void {
  let isLost = false;
  return ({ kind }) => {
    if (kind === 'disconnected' && !isLost) remark(terminal, 'the registry cannot be reached; trying again until it answers');
    if (kind === 'connected' && isLost) remark(terminal, 'the registry answers again');
    if (kind === 'disconnected' || kind === 'connected') isLost = kind === 'disconnected';
  };
}
