/** The failure of a command: one message for people and one exit code for programs. */

import { isRegistryError, type ErrorCode } from '@rollcall/protocol';

/** docs/reference/cli.md explains each; a test compares them. */
export const exitCodes = {
  ok: 0,
  /** The registry or this machine refused; the message says why. */
  failure: 1,
  /** The command line, the environment or the configuration file is wrong; no request was sent. */
  usage: 2,
  /** The service, key, route, instance or member does not exist. */
  notFound: 3,
  /** No registry answered. */
  unreachable: 4,
  /** `serve`: the server cannot listen on the address. */
  addressTaken: 5,
  /** `serve`, `migrate`: the store cannot be used: another process has it open, no etcd answers, or it is not ours. */
  storeRefused: 6,
  /** `serve`: the store is damaged. */
  storeDamaged: 7,
  /** `serve`: the address is reachable from other machines without protection. */
  publicBindRefused: 8,
  /** The registry does not know the token, or it lacks a permission; the message says which. */
  denied: 9,
  /** `run`, `lock`, `watch`: the program cannot be executed, as in POSIX shells. */
  notExecutable: 126,
  /** `run`, `lock`, `watch`: the program does not exist, as in POSIX shells. */
  programNotFound: 127,
} as const;

/**
 * Why a file or directory cannot be used, in words.
 * @param path as the command line names it
 * @param error of the system
 */
export function fileProblem(path: string, error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const problems: Readonly<Record<string, string>> = {
    ENOENT: `there is no ${path}`,
    ENOTDIR: `${path} is below a file`,
    EISDIR: `${path} is a directory`,
    EACCES: `this user has no permission for ${path}`,
    EPERM: `this user has no permission for ${path}`,
    EROFS: `${path} is on a file system that is read-only`,
    ENOSPC: `there is no space left for ${path}`,
    EDQUOT: `there is no space left for ${path}`,
  };
  return problems[code] ?? message;
}

export class CommandFailure extends Error {
  readonly exitCode: number;

  /** @param message what happened and what to do; lower case, printed after `rollcall: ` */
  constructor(exitCode: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CommandFailure';
    this.exitCode = exitCode;
  }
}

export function usage(message: string): CommandFailure {
  return new CommandFailure(exitCodes.usage, message);
}

/** Gives an exit code to errors whose meaning depends on the operation. */
export async function failingWith<T>(
  exitCode: number,
  action: () => T | Promise<T>,
  codes: readonly ErrorCode[] = ['failed_precondition'],
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const { message } = error as Error;
    if (isRegistryError(error, 'data_loss')) throw new CommandFailure(exitCodes.storeDamaged, message, { cause: error });
    if (isRegistryError(error) && codes.includes(error.code)) throw new CommandFailure(exitCode, message, { cause: error });
    if (isRegistryError(error, 'invalid_argument')) throw new CommandFailure(exitCodes.usage, message, { cause: error });
    throw error;
  }
}
