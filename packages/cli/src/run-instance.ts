/** Converts the flags of `rollcall run` to an instance with its probe. Pure. */

import { isIP } from 'node:net';
import { checkRequest, type CheckRegistration, type InstanceRegistration } from '@rollcall/protocol';
import { usage } from './failure.ts';
import { hostPort } from './instances-table.ts';

export interface RunFlags {
  readonly port: number;
  /** A URL, or a path on the program's own address. */
  readonly check?: string;
  readonly address?: string;
  readonly id?: string;
  readonly tag: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
}

/** Short, since clients do not choose an instance before its first passing probe. */
const intervalMs = 1_000;
/** A program that takes longer cannot serve; the second such probe in a row counts. */
const timeoutMs = 3_000;
const failuresBeforeCritical = 2;

/**
 * @param ownAddress of this machine as the registry reaches it; undefined or loopback: the registry
 *   is on this machine, and the instance is wherever its node is
 * @throws CommandFailure `usage` for values that every registry refuses
 */
export function instanceOf(name: string, flags: RunFlags, ownAddress: string | undefined): InstanceRegistration {
  const address = flags.address ?? (ownAddress === undefined || isLoopback(ownAddress) ? undefined : ownAddress);
  const instance: InstanceRegistration = {
    // The same program on the same port is the same instance, also after a crash of this process.
    id: flags.id ?? `${name}-${flags.port}`,
    service: name,
    port: flags.port,
    tags: flags.tag,
    meta: flags.meta,
    checks: [checkOf(flags, hostPort(address ?? '127.0.0.1', flags.port))],
    ...(address === undefined ? {} : { address }),
  };
  const checked = checkRequest({ type: 'register', id: 1, instances: [instance] });
  if (!checked.ok) throw usage(checked.message.replace('instances[0].', ''));
  return instance;
}

function checkOf({ check }: RunFlags, target: string): CheckRegistration {
  const probe = { intervalMs, timeoutMs, failuresBeforeCritical };
  if (check === undefined) return { name: 'tcp', tcp: target, ...probe };
  const http = check.startsWith('/') ? `http://${target}${check}` : check;
  const { protocol = '' } = URL.canParse(http) ? new URL(http) : {};
  if (!['http:', 'https:'].includes(protocol)) {
    throw usage(`--check: ${JSON.stringify(check)} is no URL of http or https; write http://HOST:PORT/PATH, or /PATH for the program itself`);
  }
  return { name: 'http', http, ...probe };
}

function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
