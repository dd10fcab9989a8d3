/** `rollcall login`: exchanges a token of another authority, such as a cluster or a build system, for a token of the registry. */

import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { AclToken } from '../acl-api.ts';
import { askJson, namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { collectPair } from '../option-values.ts';
import { replaceSecret } from '../secret-file.ts';
import { addAddressOption, addNamespaceOption, addTlsOptions, type RegistryFlags } from '../servers.ts';
import { print, printJson } from '../terminal.ts';

interface LoginFlags extends Omit<RegistryFlags, 'tokenFile'> {
  readonly method: string;
  readonly bearerTokenFile: string;
  readonly tokenSinkFile: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly json?: true;
}

export function addLogin(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('login')
    .description('get a token for a JWT that an auth method of the registry trusts, into a file that only its owner can read')
    .requiredOption('--method <name>', 'the auth method')
    .requiredOption('--bearer-token-file <file>', 'file with the JWT')
    .requiredOption('--token-sink-file <file>', 'file to write the token to, for --token-file; an existing file is replaced')
    .addOption(new Option('--meta <key=value>', 'a meta entry of the token; may be repeated').argParser(collectPair).default({}, 'none'))
    // Consul's option for the type of the method; the method's own type is used.
    .addOption(new Option('--type <type>').choices(['jwt']).hideHelp())
    .option('--json', 'print the token as JSON, without its secret');
  addExamples(
    addNamespaceOption(addTlsOptions(addAddressOption(command))),
    'rollcall login --method ci --bearer-token-file job.jwt --token-sink-file rollcall.token',
    'rollcall services --token-file rollcall.token',
    'rollcall logout --token-file rollcall.token',
  );
  command.action(async ({ method, bearerTokenFile, tokenSinkFile, meta, json, ...flags }: LoginFlags) => {
    const bearer = await readFile(bearerTokenFile, 'utf8').catch(refuse('cannot read the bearer token'));
    // Checked first: a token that cannot be written would stay in the registry unused.
    await access(dirname(resolve(tokenSinkFile)), constants.W_OK).catch(refuse('cannot write the token'));
    // A user who logs in has no token yet, and the file that the environment names may be the one that is written here.
    const { ROLLCALL_TOKEN: _token, ROLLCALL_TOKEN_FILE: _file, ...env } = terminal.env;
    const target = await namespacedTargetOf(flags, { ...terminal, env });
    const body = { AuthMethod: method, BearerToken: bearer.trim(), Meta: meta };
    const { SecretID: secret, ...token } = await askJson<AclToken>(target, '/v1/acl/login', { method: 'POST', body: JSON.stringify(body) });
    await replaceSecret(tokenSinkFile, secret).catch(refuse('cannot write the token'));
    if (json === true) printJson(terminal, token);
    else print(terminal, `accessor id  ${token.AccessorID}`);
  });
}

function refuse(what: string): (error: unknown) => never {
  return (error) => {
    throw new CommandFailure(exitCodes.failure, `${what}: ${(error as Error).message}`, { cause: error });
  };
}
