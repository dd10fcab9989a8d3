/** The options of commands that join a group, and the member that they become. */

import { readFile } from 'node:fs/promises';
import type { Group, GroupEvent } from '@rollcall/gossip';
import { isRegistryError } from '@rollcall/protocol';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { CommandFailure, exitCodes, fileProblem, usage } from './failure.ts';
import { collect } from './option-values.ts';

export interface GroupFlags {
  readonly seed: readonly string[];
  readonly group: string;
  readonly groupKeyFile?: string;
  readonly host?: string;
  readonly port?: number;
  readonly member?: string;
  readonly mdns?: true;
  readonly unencrypted?: true;
}

/** Adds the options that say which group, and where this member listens. */
export function addGroupOptions(command: Command): Command {
  return command
    .addOption(new Option('--seed <address>', 'a member: HOST, HOST:PORT or srv:NAME; may be repeated').argParser(collect).default([], '127.0.0.1'))
    .option('--group <name>', 'name of the group', 'default')
    .option('--group-key-file <file>', 'file with the keys of the group, base64, one a line; the first encrypts')
    .option('--host <address>', 'IP address to listen on (default: 0.0.0.0 with a key or --unencrypted, else 127.0.0.1)')
    .addOption(new Option('--port <port>', 'port to listen on, UDP and TCP; 0: any (default: 8530, or any if it is taken)').argParser(portOrAny))
    .option('--member <name>', 'name of this member (default: the name of the host with a random part)')
    .option('--mdns', 'find members of the local network by multicast DNS, too')
    .option('--unencrypted', 'use no key, also beyond this machine');
}

/** @throws CommandFailure `usage`, or `failure` when no port is free */
export async function joinGroup(flags: GroupFlags, onEvent: (event: GroupEvent) => void): Promise<Group> {
  const { seed, group, groupKeyFile, host, port, member, mdns, unencrypted } = flags;
  const keys = groupKeyFile === undefined ? undefined : await readKeys(groupKeyFile);
  const { Group } = await import('@rollcall/gossip');
  try {
    return await Group.open({
      ...{ group, onEvent, ...(seed.length > 0 && { seeds: seed }) },
      ...Object.fromEntries(Object.entries({ keys, host, port, name: member, mdns, unencrypted }).filter(([, value]) => value !== undefined)),
    });
  } catch (error) {
    if (isRegistryError(error, 'invalid_argument')) throw usage(error.message);
    throw new CommandFailure(exitCodes.failure, (error as Error).message, { cause: error });
  }
}

async function readKeys(file: string): Promise<string[]> {
  try {
    return (await readFile(file, 'utf8')).split('\n').map((line) => line.trim()).filter((line) => line !== '');
  } catch (error) {
    throw usage(`--group-key-file: ${fileProblem(file, error)}`);
  }
}

function portOrAny(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('a port is a whole number from 0 to 65535.');
}
