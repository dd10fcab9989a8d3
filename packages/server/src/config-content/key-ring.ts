/**
 * The keys that wrap the data keys of secrets, read from a file or from the output of a command. A line is `ID:BASE64`, 32 bytes; the
 * first one encrypts, the others only decrypt what was written before a rotation. Lines that begin with `#` are comments.
 *
 *   2026-11:2Xk5…=
 *   2025-11:9fQa…=
 */

import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { RegistryError } from '@rollcall/protocol';

export interface SecretKey {
  readonly id: string;
  /** 32 bytes. */
  readonly bytes: Buffer;
}

export interface KeyRing {
  /** Encrypts; undefined: there are no keys. */
  readonly newest: SecretKey | undefined;
  find(id: string): SecretKey | undefined;
}

export interface KeyRingOptions {
  /** Path of the file with the keys; only its owner and group may read it. */
  readonly file?: string | undefined;
  /** Command line for the shell that prints the keys within 10 seconds. */
  readonly command?: string | undefined;
}

/** Time for the command: enough for a key service in another region. */
const commandMsMax = 10_000;
const bytesMax = 65_536;

/**
 * @throws RegistryError `invalid_argument` when both are given, or a line is no key; `failed_precondition` when the file or the command
 *   cannot be used. No error contains a line of either
 */
export async function loadKeyRing({ file, command }: KeyRingOptions): Promise<KeyRing> {
  if (file !== undefined && command !== undefined) throw new RegistryError('invalid_argument', 'the keys of configurations come from a file or a command; give one of them');
  if (file !== undefined) return readKeyRing(await fileText(file), `file ${file}`);
  if (command !== undefined) return readKeyRing(await outputOf(command), 'output of the command with the keys of configurations');
  return noKeys;
}

export const noKeys: KeyRing = { newest: undefined, find: () => undefined };

/** @param source for errors. @throws RegistryError `invalid_argument` */
export function readKeyRing(text: string, source: string): KeyRing {
  const keys = new Map<string, SecretKey>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const colon = trimmed.indexOf(':');
    const id = trimmed.slice(0, colon);
    const bytes = Buffer.from(trimmed.slice(colon + 1), 'base64');
    const refuse = (why: string) => new RegistryError('invalid_argument', `${source}, line ${index + 1}: ${why}; a line is ID:BASE64 with 32 bytes, made by: echo "$(date +%Y-%m):$(openssl rand -base64 32)"`);
    if (colon < 1 || !/^[A-Za-z0-9_.-]{1,64}$/.test(id)) throw refuse('there is no key id of letters, digits, dots, hyphens and underscores, 64 at most');
    if (bytes.length !== 32) throw refuse(`the key has ${bytes.length} bytes`);
    if (keys.has(id)) throw refuse(`key ${id} is there twice`);
    keys.set(id, { id, bytes });
  }
  const [newest] = keys.values();
  if (newest === undefined) throw new RegistryError('invalid_argument', `${source} has no key; a line is ID:BASE64 with 32 bytes`);
  return { newest, find: (id) => keys.get(id) };
}

async function fileText(file: string): Promise<string> {
  try {
    const { mode, size } = await stat(file);
    if ((mode & 0o007) !== 0) throw new Error(`every user of this machine may use it (mode ${(mode & 0o777).toString(8)}); run chmod 600`);
    if (size > bytesMax) throw new Error(`it has ${size} bytes, the limit is ${bytesMax}`);
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new RegistryError('failed_precondition', `the keys of configurations cannot be read from ${file}: ${(cause as Error).message}`, { cause });
  }
}

function outputOf(command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('/bin/sh', ['-c', command], { timeout: commandMsMax, maxBuffer: bytesMax, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
        return;
      }
      const why = error.killed === true ? `did not end within ${commandMsMax / 1_000} s, or printed more than ${bytesMax} bytes` : `ended with status ${error.code}`;
      const said = stderr.trim().slice(0, 200);
      reject(new RegistryError('failed_precondition', `the command with the keys of configurations (${command.split(' ', 1)[0]} …) ${why}${said === '' ? '' : `: ${said}`}`));
    });
  });
}
