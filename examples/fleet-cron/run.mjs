/**
 * A job that three machines start every second, and that runs once: each process is a candidate, the leader does the work, and the work carries the
 * leader's token. The leader is killed in the middle; another one goes on where it stopped.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connect, LeadershipLostError, registryFence } from '@rollcall/client';
import { createServer } from '@rollcall/server';

const tickMs = 100;

/** One machine of the fleet: works on the next hour as long as it leads. */
async function machine(url, name) {
  const client = await connect({ servers: [url], name });
  const election = client.election('billing/cron', { ttl: 1_000, renewEvery: 200, value: name });
  await election.lead(
    async (lead) => {
      while (!lead.signal.aborted) {
        const hour = Number(Buffer.from((await client.kv.get('billing/next'))?.value ?? []).toString() || 0);
        try {
          // The result and the place where the next leader goes on are one transaction, which an old leader cannot commit.
          await client.txn().ifLeader(lead).put(`billing/done/${hour}`, name, { cas: 0 }).put('billing/next', String(hour + 1)).commit();
        } catch (error) {
          if (!(error instanceof LeadershipLostError)) throw error;
          return;
        }
        console.log(`${name} has billed hour ${hour} with token ${lead.token}`);
        await new Promise((next) => setTimeout(next, tickMs));
      }
    },
    { fence: registryFence },
  );
}

/** The registry, three machines, and the death of the leader. */
async function fleet() {
  const server = await createServer({ http: { port: 0 } });
  const machines = ['host-1', 'host-2', 'host-3'].map((name) => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), server.url, name], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.pipe(process.stdout, { end: false });
    return { name, child };
  });
  const client = await connect({ servers: [server.url] });
  // The machine that billed the last hour leads.
  const killed = (await billed(client, (rows) => rows.length >= 5)).at(-1).by;
  console.log(`killing ${killed}`);
  machines.find(({ name }) => name === killed).child.kill('SIGKILL');
  const rows = await billed(client, (all) => all.length >= 10 && all.at(-1).by !== killed);
  for (const { child } of machines) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  // The registry has the record: a leader may be killed after a commit and before it says so.
  for (const { hour, by } of rows) console.log(`hour ${hour}: ${by}`);
  console.log(`${rows.length} hours, billed by ${new Set(rows.map(({ by }) => by)).size} machines`);
  await client.close();
  await server.close();
}

/** Resolves with all hours that the registry has, in their order, once these are enough. */
async function billed(client, enough) {
  for await (const { entries } of client.kv.watch({ prefix: 'billing/done/' })) {
    const rows = entries.map(({ key, value }) => ({ hour: Number(key.slice('billing/done/'.length)), by: String(Buffer.from(value)) }));
    rows.sort((one, other) => one.hour - other.hour);
    if (enough(rows)) return rows;
  }
  throw new Error('the client was closed');
}

const [url, name] = process.argv.slice(2);
await (url === undefined ? fleet() : machine(url, name));
