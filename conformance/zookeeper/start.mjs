/**
 * A real ZooKeeper and a Rollcall that answers ZooKeeper's clients, for tests and benchmarks: on free ports of loopback, ended with this
 * process. Both can be killed and started again at the same address with the same data.
 *
 *   const zookeeper = await startRealZooKeeper();   zookeeper.address, zookeeper.kill(), zookeeper.start(), zookeeper.stop()
 *   const rollcall = await startRollcall();         the same
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../free-ports.mjs';
import { buildJava, startJava } from '../java-program.mjs';
import { startRollcallProcess } from '../rollcall-process.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

const build = () => buildJava(path('server'), 'zookeeper-server');

/** Why a real ZooKeeper cannot be built here; undefined when it is there. Builds it when it is missing. */
export function zooKeeperProblem() {
  return build().problem;
}

/**
 * Starts ZooKeeper 3.9.5 and waits until it answers.
 * @param options.tickMs 2,000 by default: the shortest session takes twice that
 * @param options.port fixed; a free one by default
 * @param options.tls certificates in PEM: `cert` and `key` of the server, `ca` of those that clients must have. It opens a further port for
 *   them, `securePort`
 * @param options.command, options.heapMb as in `startJava`
 */
export async function startRealZooKeeper({ tickMs = 2_000, port: wanted, tls, ...options } = {}) {
  const { programs, problem } = build();
  if (problem !== undefined) throw new Error(problem);
  const [free, securePort] = await freePorts(2);
  const port = wanted ?? free;
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-zookeeper-'));
  const config = join(folder, 'zoo.cfg');
  const secure = tls === undefined ? [] : secureLines(folder, securePort, tls);
  writeFileSync(config, [`tickTime=${tickMs}`, `dataDir=${join(folder, 'data')}`, `clientPort=${port}`, 'clientPortAddress=127.0.0.1', 'maxClientCnxns=0', ...secure, ''].join('\n'));
  let program;
  const start = async () => {
    program = await startJava(programs['program.jar'], { ...options, args: [config], ready: () => serves(port) });
  };
  await start();
  return {
    address: `127.0.0.1:${port}`,
    port,
    ...(tls === undefined ? {} : { securePort }),
    start,
    kill: () => program.kill(),
    async stop() {
      await program.stop();
      rmSync(folder, { recursive: true, force: true });
    },
    get pid() {
      return program.pid;
    },
  };
}

/** Lines of its configuration for a port over TLS that wants certificates of clients. */
function secureLines(folder, port, { cert, key, ca }) {
  const [keyStore, trustStore] = [join(folder, 'server.pem'), join(folder, 'authorities.pem')];
  writeFileSync(keyStore, `${cert}${key}`);
  writeFileSync(trustStore, ca);
  return [
    `secureClientPort=${port}`,
    'secureClientPortAddress=127.0.0.1',
    'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
    `ssl.keyStore.location=${keyStore}`,
    'ssl.keyStore.type=PEM',
    `ssl.trustStore.location=${trustStore}`,
    'ssl.trustStore.type=PEM',
    'ssl.clientAuth=need',
    'ssl.clientHostnameVerification=false',
  ];
}

/**
 * Starts a Rollcall for ZooKeeper's clients.
 * @param options.secure whether they use TLS, for which `args` have the certificates; false by default
 * @param options more of `startRollcallProcess`
 */
export async function startRollcall({ args = [], secure = false, ...options } = {}) {
  const [port] = await freePorts(1);
  const all = ['--zookeeper', `127.0.0.1:${port}`, ...(secure ? ['--zookeeper-tls'] : []), ...args];
  const server = await startRollcallProcess({ ...options, args: all, ...(secure ? {} : { isReady: () => serves(port) }) });
  return Object.assign(server, { address: `127.0.0.1:${port}`, port });
}

/** The answer to a four-letter word, or an empty text. */
export function fourLetters(port, word) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(word));
    let answer = '';
    socket.setEncoding('utf8').on('data', (text) => (answer += text));
    socket.setTimeout(5_000, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

/** A request for a session of 4 s, and its end. */
const greeting = Buffer.from(`0000002d${'00'.repeat(12)}00000fa0${'00'.repeat(8)}00000010${'00'.repeat(17)}0000000800000001fffffff5`, 'hex');

/** Whether it grants a session. A ZooKeeper answers `ruok` before it does. */
function serves(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(greeting));
    socket.once('data', (answer) => {
      resolve(answer.length > 12 && answer.readInt32BE(8) > 0);
      socket.destroy();
    });
    socket.setTimeout(5_000, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(false));
  });
}
