import { RegistryError } from '@rollcall/protocol';
import { expect, it } from 'vitest';
import type { AllNodes, OtherNode } from './all-nodes.ts';
import { allReaders } from './all-readers.ts';
import { Readers, type Who } from './configurations/readers.ts';
import { manualClock } from './manual-clock.case.ts';

const main = { namespace: 'default', app: 'shop', name: 'main' };
const clock = manualClock();

interface Node {
  readonly readers: Readers;
  readonly all: AllNodes<typeof main, Who>;
  /** As other nodes ask it. */
  readonly asOther: OtherNode;
}

function node(nodeName: string, others: () => Iterable<OtherNode> = () => [], primary?: OtherNode): Node {
  const readers = new Readers();
  const all = allReaders({ clock, primary, others }, readers, nodeName);
  const asOther: OtherNode = {
    name: nodeName,
    call(method, body) {
      const found = all.methods[method];
      return found?.kind === 'answer' ? found.run(body, new AbortController().signal) : Promise.reject(new RegistryError('unimplemented', method));
    },
  };
  return { readers, all, asOther };
}

const add = ({ readers }: Node, client: string, name = main) => readers.add(name, () => ({ client, via: 'stream', release: 1 }));
const shown = ({ readers, count, missing }: Who) => [readers.map((reader) => `${reader.client} at ${reader.node}`).toSorted(), count, missing];

it('lists the readers of all nodes, and names the nodes that do not answer', async () => {
  const b = node('b');
  const silent: OtherNode = { name: 'silent', call: () => new Promise(() => {}) };
  const older: OtherNode = { name: 'older', call: () => Promise.reject(new RegistryError('unimplemented', 'no such method')) };
  const a = node('a', () => [b.asOther, silent, older]);
  add(a, 'one');
  add(b, 'two');
  add(b, 'other', { ...main, name: 'other' });
  const who = a.all.ask(main);
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(2_000);
  expect(shown(await who)).toEqual([['one at a', 'two at b'], 2, ['silent', 'older']]);
});

it('asks the node that it follows, which asks all; without that node it knows its own readers', async () => {
  let gone = false;
  const primary: Node = node('primary', () => [worker.asOther]);
  const link: OtherNode = { name: 'primary', call: (method, body) => (gone ? Promise.reject(new RegistryError('unavailable', 'gone')) : primary.asOther.call(method, body)) };
  const worker: Node = node('worker', () => [], link);
  add(primary, 'one');
  add(worker, 'two');
  expect(shown(await worker.all.ask(main))).toEqual([['one at primary', 'two at worker'], 2, []]);
  gone = true;
  expect(shown(await worker.all.ask(main))).toEqual([['two at worker'], 1, ['primary']]);
});

it('forgets a reader that has left, and limits the list but not the count', async () => {
  const a = node('a');
  const leave = add(a, 'one');
  leave();
  expect(shown(await a.all.ask(main))).toEqual([[], 0, []]);
  for (let n = 0; n < 10_001; n++) add(a, `${n}`);
  const { readers, count } = await a.all.ask(main);
  expect([readers.length, count]).toEqual([10_000, 10_001]);
});
