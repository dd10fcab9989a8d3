/** Elections of real clients on a real server: who leads, who is told, what ends leadership. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FencedFile, LeadershipLostError, registryFence, type Lead, type Leader } from '../index.ts';
import { oneServer } from '../one-server.case.ts';

const { server, client } = oneServer();

const fired = (signal: AbortSignal) => new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })));

describe('an election', () => {
  it('has one leader, whose resignation makes the next one lead', async () => {
    const [one, two] = [await client(), await client()];
    let begins: (lead: Lead) => void = () => {};
    const begun = new Promise<Lead>((resolve) => (begins = resolve));
    const led: string[] = [];
    const leading = one.election('cron', { value: 'one' }).lead(async (lead) => {
      begins(lead);
      led.push('one');
      await fired(lead.signal);
      return 'done';
    }, { unfenced: true });
    const first = await begun;
    for await (const leader of two.election('cron').observe()) if (leader?.value === 'one') break;
    const next = two.election('cron', { value: 'two' }).lead((lead) => {
      led.push('two');
      return lead.token;
    }, { fence: registryFence });
    await first.resign();
    expect(await leading).toBe('done');
    expect(await next).toBeGreaterThan(first.token);
    expect(led).toEqual(['one', 'two']);
  });

  it('is observed: each leader, null between them, and never an older one', async () => {
    const [one, two] = [await client(), await client()];
    const seen: (Leader | null)[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const leader of two.election('cron').observe({ signal: stop.signal })) seen.push(leader);
    })();
    const tokens: bigint[] = [];
    for (const value of ['a', 'b', 'c']) {
      const lead = await one.election('cron', { value }).campaign();
      tokens.push(lead.token);
      for (let at = 0; at < 200 && seen.at(-1)?.value !== value; at++) await new Promise((next) => setImmediate(next));
      await lead.resign();
    }
    stop.abort(new Error('seen enough'));
    await expect(watching).rejects.toThrow('seen enough');
    const values = seen.flatMap((leader) => leader?.token ?? []);
    expect(values).toEqual(values.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(values.every((token) => tokens.includes(token))).toBe(true);
    expect(values.length).toBeGreaterThan(0);
  });

  it('lists its candidates in their order, and its leader hands over to one of them', async () => {
    const [one, two, three] = [await client(), await client(), await client()];
    const election = one.election('cron');
    expect(await election.candidates()).toEqual([]);
    const first = await election.campaign();
    const until = async (count: number) => {
      for (;;) {
        const candidates = await election.candidates();
        if (candidates.length === count) return candidates;
      }
    };
    const second = two.election('cron', { value: 'two' }).campaign();
    await until(1);
    const third = three.election('cron', { value: 'three' }).campaign();
    const candidates = await until(2);
    expect(candidates.map(({ value }) => value)).toEqual(['two', 'three']);
    const [, chosen] = candidates;
    await first.transferTo(chosen?.id ?? '');
    const lead = await third;
    expect(lead.id).toBe(chosen?.id);
    expect((await election.candidates()).map(({ value }) => value)).toEqual(['two']);
    await lead.resign();
    await (await second).resign();
  });

  it('ends with an error for the leader that the registry has deposed, also if its work returns', async () => {
    const one = await client();
    const leading = one.election('cron', { ttl: 3_000, renewEvery: 300 }).lead(async (lead) => {
      const [session] = (await (await fetch(`${server().url}/v1/session/list`)).json()) as { ID: string }[];
      await fetch(`${server().url}/v1/session/destroy/${session?.ID}`, { method: 'PUT' });
      await fired(lead.signal);
      return 'too late';
    }, { unfenced: true });
    await expect(leading).rejects.toThrow(LeadershipLostError);
    await expect(leading).rejects.toMatchObject({ name: 'LeadershipLostError', code: 'aborted', message: expect.stringMatching(/^election "cron" is lost: /) as string });
  });

  it('leads again after lost leadership only if the program asks for it, with a higher token', async () => {
    const one = await client();
    const began: number[] = [];
    const onState = (state: string) => {
      if (state === 'candidate') began.push(performance.now());
    };
    const election = one.election('cron', { ttl: 3_000, renewEvery: 300, onState });
    const terms: bigint[] = [];
    const depose = async () => {
      for (const { ID } of (await (await fetch(`${server().url}/v1/session/list`)).json()) as { ID: string }[]) await fetch(`${server().url}/v1/session/destroy/${ID}`, { method: 'PUT' });
    };
    const led = await election.lead(async (lead) => {
      terms.push(lead.token);
      if (terms.length === 3) return 'done';
      await depose();
      // The first loss is told by a renewal, the second by a write that is refused.
      if (terms.length === 1) await fired(lead.signal);
      else await one.txn().ifLeader(lead).put('k', 'v').commit();
      return 'too late';
    }, { unfenced: true, campaignAgain: true });
    expect([led, terms.length, terms.toSorted((a, b) => (a < b ? -1 : 1))]).toEqual(['done', 3, terms]);
    // A function that loses its leadership at once does not ask the registry as fast as that answers. Timers may be a millisecond early.
    expect((began[2] as number) - (began[1] as number)).toBeGreaterThan(990);
    await expect(election.lead(() => Promise.reject(new Error('broken')), { unfenced: true, campaignAgain: true })).rejects.toThrow('broken');
  });

  it('does not campaign again when a fence refuses the newest token, or the signal of the caller has aborted', async () => {
    const election = (await client()).election('cron', { ttl: 3_000, renewEvery: 300 });
    let raised = 0;
    const refusing = {
      raise: () => {
        raised++;
        throw new LeadershipLostError('a higher token was seen');
      },
    };
    await expect(election.lead(() => expect.unreachable(), { fence: refusing, campaignAgain: true })).rejects.toThrow('a higher token was seen');
    expect(raised).toBe(1);
    const stop = new AbortController();
    const led = election.lead(() => {
      stop.abort(new Error('stopped'));
      throw new LeadershipLostError('refused');
    }, { unfenced: true, campaignAgain: true, signal: stop.signal });
    await expect(led).rejects.toThrow('stopped');
  });

  it('resigns when the work ends or throws, and when the signal of the caller aborts', async () => {
    const one = await client();
    const election = one.election('cron');
    await expect(election.lead(() => Promise.reject(new Error('broken')), { unfenced: true })).rejects.toThrow('broken');
    const abort = new AbortController();
    const led = election.lead(async ({ signal }) => {
      abort.abort();
      await fired(signal);
      return signal.reason as unknown;
    }, { unfenced: true, signal: abort.signal });
    expect(await led).toMatchObject({ code: 'cancelled' });
    await (await one.lock('cron', { wait: 0 })).release();
  });

  it('does not run the work without a fence, or the word that there is none', async () => {
    const election = (await client()).election('cron');
    const work = () => expect.unreachable();
    await expect(election.lead(work, undefined as never)).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('lead needs either a fence') });
    await expect(election.lead(work, {} as never)).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('unfenced: true') });
    await expect(election.lead(work, { unfenced: true, fence: registryFence } as never)).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('raises its fences before the work runs; one that has seen a higher token stops it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fence-'));
    try {
      const one = await client();
      const file = new FencedFile(join(folder, 'f'));
      await one.election('cron').lead((lead) => file.write(lead, 'first'), { fence: file });
      await file.raise({ name: 'cron', token: 2n ** 60n });
      await expect(one.election('cron').lead(() => expect.unreachable(), { fence: [registryFence, file] })).rejects.toThrow(LeadershipLostError);
      expect(String(await file.read())).toBe('first');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
