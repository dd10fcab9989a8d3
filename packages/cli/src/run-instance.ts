/** Converts the flags of `rollcall run` to an instance with its probe. Pure. */

import { isIP } from 'node:net';
import { checkRequest, type CheckRegistration, type InstanceRegistration } from '@rollcall/protocol';
import { usage } from './failure.ts';
import { hostPort } from './instances-table.ts';

export interface RunFlags {
  readonly port: number;
  /** A URL, or a path on the program's own address. */
  readonly check?: string;
  /** The path of the program's endpoint of the Model Context Protocol. */
  readonly mcp?: string;
  /** The path of the program's agent card. */
  readonly a2a?: string;
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
const probe = { intervalMs, timeoutMs, failuresBeforeCritical };

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
    ...marksOf(flags),
    checks: checksOf(flags, hostPort(address ?? '127.0.0.1', flags.port)),
    ...(address === undefined ? {} : { address }),
  };
  const checked = checkRequest({ type: 'register', id: 1, instances: [instance] });
  if (!checked.ok) throw usage(checked.message.replace('instances[0].', ''));
  return instance;
}

/** MCP servers and agents are found by a tag, and their paths by metadata (the README of the server's front end for agents). */
function marksOf({ tag, meta, mcp, a2a }: RunFlags): Pick<InstanceRegistration, 'tags' | 'meta'> {
  return {
    tags: [...new Set([...tag, ...(mcp === undefined ? [] : ['mcp']), ...(a2a === undefined ? [] : ['a2a'])])],
    meta: { ...(mcp === undefined ? {} : { 'mcp-path': mcp }), ...(a2a === undefined ? {} : { 'a2a-path': a2a }), ...meta },
  };
}

function checksOf(flags: RunFlags, target: string): CheckRegistration[] {
  const { check, mcp, a2a } = flags;
  const own = (path: string, option: string) => {
    if (path.startsWith('/')) return `http://${target}${path}`;
    throw usage(`--${option}: ${JSON.stringify(path)} is no path on the program; write it with a slash in front, such as /${option}`);
  };
  const checks: CheckRegistration[] = [];
  if (mcp !== undefined) checks.push({ name: 'mcp', mcp: own(mcp, 'mcp'), ...probe });
  if (a2a !== undefined) checks.push({ name: 'a2a', http: own(a2a, 'a2a'), ...probe });
  return check !== undefined || checks.length === 0 ? [checkOf(flags, target), ...checks] : checks;
}

function checkOf({ check }: RunFlags, target: string): CheckRegistration {
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
