/**
 * The two servers of a bridge: their addresses, and by which certificates and credentials the bridge is known to them. Options take precedence over the
 * environment. Secrets are in files or in the environment, since every user of the machine sees command lines.
 */

import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import type { BridgeEnd } from '@rollcall/server';
import { credentialsOf } from '../credentials.ts';
import { CommandFailure, exitCodes, fileProblem, usage } from '../failure.ts';
import { addTlsOptions, type RegistryFlags } from '../servers.ts';
import { parseAddress } from '../settings/address.ts';
import type { Terminal } from '../terminal.ts';

export interface BridgeEndFlags extends RegistryFlags {
  readonly registry: string;
  readonly zookeeperCaFile?: string;
  readonly zookeeperCertFile?: string;
  readonly zookeeperKeyFile?: string;
  readonly zookeeperTlsServerName?: string;
  readonly zookeeperAuthFile?: string;
}

export function addBridgeEndOptions(command: Command): void {
  command
    .addOption(new Option('--registry <address>', "where the registry answers ZooKeeper's clients: HOST:PORT, several with commas, or the same URL").default('127.0.0.1:2181'))
    .option('--zookeeper-ca-file <file>', "certificates of the authority of the ZooKeeper's certificate, PEM (ZOOKEEPER_CA_FILE)")
    .option('--zookeeper-cert-file <file>', 'own certificate, PEM, for a ZooKeeper that requires one (ZOOKEEPER_CERT_FILE)')
    .option('--zookeeper-key-file <file>', 'its key (ZOOKEEPER_KEY_FILE)')
    .option('--zookeeper-tls-server-name <name>', "name in the ZooKeeper's certificate, when it is not the address's (ZOOKEEPER_TLS_SERVER_NAME)")
    .option('--zookeeper-auth-file <file>', 'file with what is shown to the ZooKeeper, such as digest:NAME:PASSWORD (ZOOKEEPER_AUTH_FILE, or ZOOKEEPER_AUTH with the text itself)')
    .option('--token-file <file>', 'file with the token for the registry (ROLLCALL_TOKEN_FILE, or ROLLCALL_TOKEN with the token itself)');
  addTlsOptions(command);
}

/** @throws CommandFailure `usage`, or `failure` for files that cannot be used */
export async function bridgeEnds(url: string, flags: BridgeEndFlags, terminal: Pick<Terminal, 'env'>): Promise<{ readonly zooKeeper: BridgeEnd; readonly rollcall: BridgeEnd }> {
  if (!/^zookeeper(?:\+tls)?:\/\//.test(url)) throw usage(`${JSON.stringify(url)} is not the URL of a ZooKeeper; write zookeeper://HOST:PORT`);
  return { zooKeeper: await zooKeeperEnd(url, flags, terminal), rollcall: await rollcallEnd(flags, terminal) };
}

async function zooKeeperEnd(url: string, flags: BridgeEndFlags, { env }: Pick<Terminal, 'env'>): Promise<BridgeEnd> {
  const { secure, addresses } = addressesOf(url, 'the ZooKeeper');
  const files = {
    caFile: flags.zookeeperCaFile ?? env['ZOOKEEPER_CA_FILE'],
    certFile: flags.zookeeperCertFile ?? env['ZOOKEEPER_CERT_FILE'],
    keyFile: flags.zookeeperKeyFile ?? env['ZOOKEEPER_KEY_FILE'],
    tlsServerName: flags.zookeeperTlsServerName ?? env['ZOOKEEPER_TLS_SERVER_NAME'],
  };
  const given = Object.fromEntries(Object.entries(files).filter(([, value]) => value !== undefined && value !== ''));
  if (!secure && Object.keys(given).length > 0) throw usage(`certificates are given for the ZooKeeper, but ${JSON.stringify(url)} is not over TLS; write zookeeper+tls://HOST:PORT`);
  const { tls } = await credentialsOf(given, { env: {} });
  return { addresses, tls: secure ? tls : undefined, credential: await authOf(flags.zookeeperAuthFile, env) };
}

async function rollcallEnd(flags: BridgeEndFlags, terminal: Pick<Terminal, 'env'>): Promise<BridgeEnd> {
  const { secure, addresses } = addressesOf(flags.registry, '--registry');
  const { token, tls } = await credentialsOf(flags, terminal);
  return { addresses, tls: secure ? tls : undefined, credential: token === undefined ? undefined : { scheme: 'digest', data: `bridge:${token}` } };
}

/** @param where it was given */
function addressesOf(text: string, where: string): { readonly secure: boolean; readonly addresses: BridgeEnd['addresses'] } {
  const [, tls, hosts = ''] = /^(?:zookeeper(\+tls)?:\/\/)?([^/]*)\/?$/.exec(text) ?? [];
  try {
    return { secure: tls !== undefined, addresses: hosts.split(',').map(parseAddress) };
  } catch (error) {
    throw usage(`${where}: ${(error as Error).message}`);
  }
}

async function authOf(flag: string | undefined, env: Terminal['env']): Promise<BridgeEnd['credential']> {
  const file = flag ?? (env['ZOOKEEPER_AUTH_FILE'] || undefined);
  const text = file === undefined ? env['ZOOKEEPER_AUTH'] : await readAuth(file);
  if (text === undefined || text === '') return undefined;
  const at = text.indexOf(':');
  if (at < 1) throw usage(`${file ?? 'ZOOKEEPER_AUTH'} must have a scheme and its data, such as digest:NAME:PASSWORD`);
  return { scheme: text.slice(0, at), data: text.slice(at + 1) };
}

async function readAuth(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new CommandFailure(exitCodes.failure, `the credentials for the ZooKeeper: ${fileProblem(file, error)}`, { cause: error });
  }
}
