/**
 * One member of a group in a process of its own, driven over its standard input, one JSON value a line:
 *
 *   {"do":"report"}                            prints what it knows
 *   {"do":"network","loss":0.2,"blocked":[1]}  loses datagrams it sends, and reaches none of these ports
 *   {"do":"leave"}                             says goodbye and ends
 *
 * Prints what happens, one JSON value a line, with the wall clock. Its argument has the options of the member.
 */

import { Socket as DatagramSocket } from 'node:dgram';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { Group } from '@rollcall/gossip';

let network = { loss: 0, blocked: [] };
// oxlint-disable-next-line typescript/unbound-method -- it is called with the socket
const { send } = DatagramSocket.prototype;
DatagramSocket.prototype.send = function lossySend(bytes, port, ...rest) {
  if (Math.random() < network.loss || network.blocked.includes(port)) return;
  send.call(this, bytes, port, ...rest);
};
// oxlint-disable-next-line typescript/unbound-method -- it is called with the socket
const { connect } = Socket.prototype;
Socket.prototype.connect = function partitionedConnect(...args) {
  const port = args[0]?.[0]?.port ?? args[0]?.port;
  if (!network.blocked.includes(port)) return connect.apply(this, args);
  queueMicrotask(() => this.destroy(new Error('this test cut the network')));
  return this;
};

const print = (value) => process.stdout.write(`${JSON.stringify({ at: Date.now(), ...value })}\n`);

const group = await Group.open({
  ...JSON.parse(process.argv[2]),
  onEvent: (event) => print(event.kind === 'member' ? { kind: 'member', name: event.member.name, state: event.member.state } : event),
});
const instance = { id: group.name, service: 'web', node: group.name, address: group.address.host, port: 8_080, tags: [], meta: {}, weight: 1, status: 'passing' };
group.put({ namespace: 'default', instance });
print({ kind: 'open', name: group.name, address: group.address });

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.do === 'network') network = { loss: command.loss ?? 0, blocked: command.blocked ?? [] };
  if (command.do === 'report') {
    const states = Object.fromEntries(group.members().map(({ name, state }) => [name, state]));
    print({ kind: 'report', states, instances: group.instances('web').map(({ id }) => id) });
  }
  if (command.do === 'leave') {
    await group.leave();
    print({ kind: 'left' });
    break;
  }
}
process.exit(0);
