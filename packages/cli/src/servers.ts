/**
 * Finds the registry of a command, and the credentials for it: `--addr`, else ROLLCALL_HTTP_ADDR, else this
 * machine; the token and certificates from files, or from the environment.
 */

import { defaultNamespace, isNamespaceName, namespaceLengthMax } from '@rollcall/protocol';
import { Option, type Command } from 'commander';
import { usage } from './failure.ts';
import { addressVariable } from './settings/resolve.ts';

const standard = 'http://127.0.0.1:8500';
const namespaceVariable = 'ROLLCALL_NAMESPACE';

/** The values of the options of `addRegistryOptions` and `addNamespacedOptions`. */
export interface RegistryFlags {
  readonly addr?: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly tlsServerName?: string;
  readonly namespace?: string;
}

export function addAddressOption(command: Command): Command {
  const description = `registry to talk to: HOST:PORT or a URL, several with commas (default ${standard}; ${addressVariable})`;
  return command.addOption(new Option('--addr <address>', description));
}

/** Adds the options for the address, the token and the certificates. */
export function addRegistryOptions(command: Command): Command {
  const tokenFile = 'file with the token (ROLLCALL_TOKEN_FILE, or ROLLCALL_TOKEN with the token itself)';
  return addTlsOptions(addAddressOption(command).option('--token-file <file>', tokenFile)).addHelpText(
    'after',
    '\nThere is no option for the token itself, since every user of the machine sees command lines.',
  );
}

/** Adds the same options and `--namespace`, for commands that work in a namespace. */
export function addNamespacedOptions(command: Command): Command {
  return addNamespaceOption(addRegistryOptions(command));
}

export function addNamespaceOption(command: Command): Command {
  return command.option('--namespace <name>', `namespace to read and write in (default ${defaultNamespace}; ${namespaceVariable})`);
}

/**
 * @param name of the variable that counts when there is no option
 * @throws CommandFailure `usage` for a name that no namespace can have
 */
export function namespaceOf({ namespace }: RegistryFlags, env: Readonly<Record<string, string | undefined>>, name = namespaceVariable): string {
  const variable = env[name];
  const given = namespace ?? (variable === undefined || variable === '' ? defaultNamespace : variable);
  if (isNamespaceName(given)) return given;
  const where = namespace === undefined ? name : '--namespace';
  throw usage(`${where}: ${JSON.stringify(given)} is no namespace; a name has 1 to ${namespaceLengthMax} letters, digits and inner hyphens`);
}

export function addTlsOptions(command: Command): Command {
  return command
    .option('--ca-file <file>', "certificates of the registry's authority, PEM (ROLLCALL_CA_FILE)")
    .option('--cert-file <file>', 'own certificate, PEM, for registries that require one (ROLLCALL_CERT_FILE)')
    .option('--key-file <file>', 'its key (ROLLCALL_KEY_FILE)')
    .option('--tls-server-name <name>', "name in the registry's certificate, when it is not the address's (ROLLCALL_TLS_SERVER_NAME)");
}

/**
 * @returns base URLs without a path, at least one
 * @throws CommandFailure `usage`
 */
export function serversOf(addr: string | undefined, env: Readonly<Record<string, string | undefined>>): string[] {
  const variable = env[addressVariable];
  const given = addr ?? (variable === undefined || variable === '' ? standard : variable);
  const where = addr === undefined ? addressVariable : '--addr';
  return given.split(',').map((one) => baseUrl(one.trim(), where));
}

function baseUrl(text: string, where: string): string {
  const wrong = (why: string) => usage(`${where}: ${JSON.stringify(text)} ${why}; write 127.0.0.1:8500 or https://registry.example`);
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    throw wrong('is not an address');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong('is neither http nor https');
  if (url.username !== '' || url.password !== '') throw wrong('has a user name, which is not supported');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') throw wrong('has more than a host and a port');
  return url.origin;
}
