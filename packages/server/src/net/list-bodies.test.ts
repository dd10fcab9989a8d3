import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { State } from '../registry/state.ts';
import { Answers, Body } from './answers.ts';
import type { Context } from './frontend.ts';
import { ListBodies, type List } from './list-bodies.ts';
import { ListWriter } from './list-writer.ts';

const response = { once: () => {} } as unknown as ServerResponse;
const services = Array.from({ length: 100 }, (_, n) => `service-${n}`);
const part = 'x'.repeat(20_000);

/** Lists of all services, whose parts are kept under a revision of each service. */
function setUp(answerBytesMax: number, inParts: boolean) {
  const answers = new Answers(answerBytesMax);
  const lists = new ListBodies({ answers, registry: { state: new State() } } as unknown as Pick<Context, 'answers' | 'registry'>, 'test');
  const revisions = new Map(services.map((service) => [service, 1]));
  let encoded = 0;
  const list: List = {
    ...{ name: 'all', form: 'json', viewer: '', inParts },
    revision: () => Math.max(...revisions.values()),
    *make() {
      const out = new ListWriter();
      for (const service of services) {
        const revision = revisions.get(service) as number;
        let body = answers.find(service, revision, 'part');
        if (body === undefined) {
          encoded++;
          body = new Body([Buffer.from(part)]);
          answers.keep(service, revision, 'part', body);
        }
        out.append(body.buffers);
        yield;
      }
      return new Body(out.finish());
    },
  };
  return {
    /** @returns parts that were encoded for it */
    encodedFor: async (gzip: boolean): Promise<number> => {
      encoded = 0;
      const { body } = await lists.find(response, list, gzip);
      expect(body?.bytes).toBeGreaterThan(0);
      return encoded;
    },
    change: (service: string) => revisions.set(service, list.revision() + 1),
  };
}

it.each([true, false])('encodes only the part that has changed, of a list that does not fit into the memory together with its parts (gzip: %s)', async (gzip) => {
  const { encodedFor, change } = setUp(1.6 * services.length * part.length, true);
  expect(await encodedFor(gzip)).toBe(services.length);
  change('service-7');
  expect(await encodedFor(gzip)).toBe(1);
  change('service-8');
  expect(await encodedFor(gzip)).toBe(1);
});

it('keeps a list that is not in parts, and a small one', async () => {
  for (const { encodedFor } of [setUp(1.6 * services.length * part.length, false), setUp(100 * services.length * part.length, true)]) {
    expect(await encodedFor(false)).toBe(services.length);
    expect(await encodedFor(false)).toBe(0);
  }
});
