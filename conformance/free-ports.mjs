/**
 * Ports of loopback where nothing listens, for programs that cannot choose one themselves, and for servers that are started again at the same
 * address. They lie below the ports that the system gives to those who ask for any: such a port may go to another program of this machine
 * between its choice and its use, or while its server is away.
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** The services that machines usually run have lower ports. */
const lowest = 20_000;
/** A server for clients of Nacos opens the port that lies so much above its own, too. */
const above = 1_000;
const given = new Set();

/** @param count of different ports; a process never gets one twice */
export async function freePorts(count) {
  const ports = [];
  while (ports.length < count) {
    const port = lowest + Math.floor(Math.random() * (firstOfTheSystem() - above - lowest));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    ports.push(port);
  }
  return ports;
}

export async function freePort() {
  const [port] = await freePorts(1);
  return port;
}

async function isFree(port) {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  await once(server.close(), 'close');
  return true;
}

/** The first port that the system gives to those who ask for any. */
function firstOfTheSystem() {
  try {
    const [first] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t').map(Number);
    // A system whose range begins lower leaves no ports of its own to tests.
    return first > lowest + 2 * above ? first : 65_536;
  } catch {
    return 49_152;
  }
}
