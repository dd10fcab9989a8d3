/** `rollcall bridge zookeeper://…`: mirrors registrations between a ZooKeeper and a registry until it is stopped. The work is the server package's. */

import { hostname } from 'node:os';
import { Option, type Command } from 'commander';
import type { BridgeNews, ZooKeeperBridgeOptions } from '@rollcall/server';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { exitCodes, usage } from '../failure.ts';
import { stopSignals } from '../signals.ts';
import { counted, print, printJson, visible, type Terminal } from '../terminal.ts';
import { addBridgeEndOptions, bridgeEnds, type BridgeEndFlags } from './bridge-ends.ts';

interface Flags extends BridgeEndFlags {
  readonly from?: true;
  readonly to?: true;
  readonly both?: true;
  readonly base: string;
  readonly dubboBase: string;
  readonly name: string;
  readonly clean?: true;
  readonly json?: true;
}

export function addBridge(parent: Command, context: CommandContext): void {
  const command = parent
    .command('bridge')
    .description('mirror registrations between a running ZooKeeper and a registry, for a migration, until stopped')
    .argument('<url>', 'the ZooKeeper: zookeeper://HOST:PORT, several HOST:PORT with commas; zookeeper+tls:// over TLS')
    .option('--from', 'show in the registry what is registered in ZooKeeper, and nothing else')
    .option('--to', 'show in ZooKeeper what is registered in the registry, and nothing else')
    .option('--both', 'mirror in both directions (default)')
    .addOption(new Option('--base <path>', "where Curator's service discovery has its services, as in Spring Cloud and Dubbo").default('/services'))
    .addOption(new Option('--dubbo-base <path>', 'where Dubbo has its interfaces').default('/dubbo'))
    .addOption(new Option('--name <name>', 'of this bridge; a registry with several ZooKeepers needs a name for each').default('zookeeper'))
    .option('--clean', 'remove all that a bridge of this name has mirrored, on both sides, and end')
    .option('--json', 'print each message as a line of JSON');
  addBridgeEndOptions(command);
  addExamples(command, 'rollcall bridge zookeeper://zk-1:2181,zk-2:2181', 'rollcall bridge zookeeper://zk-1:2181 --from', 'rollcall bridge zookeeper+tls://zk-1:2281 --zookeeper-ca-file zookeeper-ca.pem --zookeeper-auth-file auth', 'rollcall bridge zookeeper://zk-1:2181 --clean');
  command.action((url: string, flags: Flags) => bridge(url, flags, context));
}

async function bridge(url: string, flags: Flags, { terminal, setExitCode }: CommandContext): Promise<void> {
  const options = await optionsOf(url, flags, terminal);
  // Loaded here, since other commands do not need the server.
  const { zooKeeperBridge } = await import('@rollcall/server');
  if (flags.clean === true) {
    if (!(await clean(options, terminal))) setExitCode(exitCodes.failure);
    return;
  }
  const made = await zooKeeperBridge(options);
  // Without a connection nothing else keeps the process.
  const alive = setInterval(() => {}, 2 ** 30);
  void stopSignals().first.then(() => made.stop());
  await made.run();
  clearInterval(alive);
}

/** @returns whether both sides are clean */
async function clean(options: ZooKeeperBridgeOptions, terminal: Terminal): Promise<boolean> {
  const { cleanZooKeeperBridge } = await import('@rollcall/server');
  let done = true;
  for (const [side, end] of [['ZooKeeper', options.zooKeeper], ['the registry', options.rollcall]] as const) {
    try {
      print(terminal, `${side}: ${counted(await cleanZooKeeperBridge(end, options), 'mirrored registration')} removed`);
    } catch (error) {
      done = false;
      print(terminal, `${side}: ${(error as Error).message}`);
    }
  }
  return done;
}

async function optionsOf(url: string, flags: Flags, terminal: Terminal): Promise<ZooKeeperBridgeOptions> {
  const { from, to, both, name, json } = flags;
  if ([from, to, both].filter((each) => each === true).length > 1) throw usage('give one of --from, --to and --both');
  if (!/^[\w-]{1,64}$/.test(name)) throw usage(`--name: ${JSON.stringify(name)} is no name; use 1 to 64 letters, digits, "-" and "_"`);
  return {
    ...(await bridgeEnds(url, flags, terminal)),
    direction: from === true ? 'from' : to === true ? 'to' : 'both',
    name,
    base: pathOf(flags.base, '--base'),
    dubboBase: pathOf(flags.dubboBase, '--dubbo-base'),
    identity: `${hostname()} ${process.pid}`,
    report: (news) => (json === true ? printJson(terminal, { at: new Date().toISOString(), ...news }) : print(terminal, visible(lineOf(news)))),
  };
}

function pathOf(text: string, where: string): string {
  if (/^(?:\/[^/]+)+$/.test(text)) return text;
  throw usage(`${where}: ${JSON.stringify(text)} is not the path of a znode; write /services`);
}

const done = { create: 'mirrored', update: 'updated', delete: 'removed' } as const;

function lineOf(news: BridgeNews): string {
  switch (news.kind) {
    case 'connected':
      return `connected to ${news.side}`;
    case 'lost':
      return `no connection to ${news.side}, nothing is changed until it is back: ${news.reason}`;
    case 'waiting':
      return `another bridge of this name works (${news.holder}); waiting for its end`;
    case 'mirrored':
      return `${done[news.what]} in ${news.to}: ${news.path}`;
    case 'counts':
      return `registered in ZooKeeper: ${news.inZooKeeper}, in Rollcall: ${news.inRollcall}`;
    case 'refused':
      return `refused: ${news.path}: ${news.reason}`;
  }
}
