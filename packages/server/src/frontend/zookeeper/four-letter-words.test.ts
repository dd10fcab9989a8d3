/** Commands of four letters: which are answered, and their lines. */

import { expect, test } from 'vitest';
import { modes, TestClient, word, zookeeperServer } from './zookeeper.case.ts';

test('srvr alone is answered by default, as in ZooKeeper', async () => {
  const { port } = await zookeeperServer();
  expect(await word(port, 'srvr')).toMatch(/^Zookeeper version: 3\.9\.0-rollcall-[^\n]*\nLatency min\/avg\/max: \d+\/\d+\.\d+\/\d+\nReceived: \d+\nSent: \d+\nConnections: 1\nOutstanding: 0\nZxid: 0x[0-9a-f]+\nMode: standalone\nNode count: 4\n$/);
  for (const other of ['ruok', 'stat', 'dump', 'hash']) expect(await word(port, other)).toBe(`${other} is not executed because it is not in the whitelist.\n`);
  // Not a command: a length that no packet has.
  expect(await word(port, 'quit')).toBe('');
});

test('those that an option names, or all of them', async () => {
  const { port } = await zookeeperServer({ zookeeper: { fourLetterWords: ['*'] } });
  const zk = await TestClient.connected(port);
  const session = `0x${zk.session.sessionId.toString(16)}`;
  await zk.create('/e', '', modes.ephemeral);
  await zk.exists('/e', true);
  expect(await word(port, 'ruok')).toBe('imok');
  expect(await word(port, 'isro')).toBe('rw');
  expect(await word(port, 'conf')).toContain(`clientPort=${port}\ntickTime=2000\n`);
  expect(await word(port, 'stat')).toMatch(/Clients:\n \/127\.0\.0\.1:\d+\[1\]\(queued=0,recved=2,sent=2\)\n/);
  expect(await word(port, 'cons')).toContain(`,sid=${session},lop=exists,`);
  expect(await word(port, 'wchs')).toBe('1 connections watching 1 paths\nTotal watches:1\n');
  expect(await word(port, 'wchc')).toBe(`${session}\n\t/e\n\n`);
  expect(await word(port, 'wchp')).toBe(`/e\n\t${session}\n\n`);
  expect(await word(port, 'dump')).toContain(`SessionTracker dump:\nSession Sets (1):\n\t${session}\nephemeral nodes dump:\nSessions with Ephemerals (1):\n${session}:\n\t/e\nConnections dump:\n\tip: /127.0.0.1:${zk.socket.localPort} sessionId: ${session}\n`);
  const monitored = await word(port, 'mntr');
  for (const line of ['zk_server_state\tstandalone\n', 'zk_znode_count\t5\n', 'zk_watch_count\t1\n', 'zk_ephemerals_count\t1\n', 'zk_outstanding_requests\t0\n', 'zk_global_sessions\t1\n', 'zk_local_sessions\t0\n']) expect(monitored).toContain(line);
  expect(monitored).toMatch(/\nzk_uptime\t\d+\n/);
  expect(await word(port, 'hash')).toBe('hash is not served: it is about what Rollcall does not have.\n');
  expect(await word(port, 'envi')).toContain('host.name=server-1\n');
});

test('srst and crst begin the numbers of the server and of its connections anew', async () => {
  const { port } = await zookeeperServer({ zookeeper: { fourLetterWords: ['srst', 'crst', 'srvr', 'cons'] } });
  const zk = await TestClient.connected(port);
  await zk.exists('/a');
  expect(await word(port, 'srvr')).toContain('Received: 1\nSent: 1\n');
  expect(await word(port, 'srst')).toBe('Server stats reset.\n');
  expect(await word(port, 'srvr')).toContain('Latency min/avg/max: 0/0.0/0\nReceived: 0\nSent: 0\n');
  expect(await word(port, 'cons')).toContain('recved=1,sent=1,');
  expect(await word(port, 'crst')).toBe('Connection stats reset.\n');
  expect(await word(port, 'cons')).toMatch(/recved=0,sent=0,[^\n]*lop=NA,/);
});

test('a command that ZooKeeper does not have fails the start, with those that there are', async () => {
  await expect(zookeeperServer({ zookeeper: { fourLetterWords: ['ruok', 'rouk'] } })).rejects.toThrow('ZooKeeper has no command of four letters "rouk"; use ruok, isro, srvr, ');
});
