/** Lists of a hundred thousand instances: each step of the work is short, and what has not changed is not encoded again. */

import { performance } from 'node:perf_hooks';
import { beforeAll, describe, expect, test } from 'vitest';
import { AnswerMemory } from '../../net/answer-memory.ts';
import { Answers, type Body } from '../../net/answers.ts';
import { Pace } from '../../net/turns.ts';
import { Journal } from '../../registry/journal.case.ts';
import type { Command } from '../../registry/kinds.ts';
import { unrestricted } from '../../security/authorizer.ts';
import { readQuestion } from './question.ts';
import type { Group } from './prometheus.case.ts';
import { Targets } from './targets.ts';

const instances = 100_000;
const journal = new Journal();

function register(at: number, version = `v${at % 7}`): Command {
  // One service has a tenth of all, as large services do.
  const service = at % 10 === 0 ? 'large' : `app${at % 400}`;
  const instance = { id: `i${at}`, service, address: `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`, port: 80, tags: ['metrics', 'blue'], meta: { team: 'core', version } };
  return { kind: 'register', namespace: 'default', node: { name: '', address: '' }, nodeMode: 'none', instances: [instance] };
}

beforeAll(() => {
  for (let at = 0; at < instances; at += 1_000) journal.commit(Array.from({ length: 1_000 }, (_, more) => register(at + more)));
});

/** Does all of the work. @returns the body, and the time of each step in milliseconds */
function encode(query: string, namespace: string, answers: Answers): { body: Body; steps: number[] } {
  const pace = new Pace();
  const frozen = journal.state.freeze();
  const work = new Targets({ views: journal.views, answers, pace, memory: new AnswerMemory() }).list(frozen, unrestricted, namespace, readQuestion(query));
  const steps: number[] = [];
  try {
    for (;;) {
      pace.renew();
      const started = performance.now();
      const { done, value } = work.next();
      steps.push(performance.now() - started);
      if (done === true) return { body: value, steps };
    }
  } finally {
    frozen.close();
  }
}

function groups({ buffers }: Body): readonly Group[] {
  return JSON.parse(Buffer.concat(buffers).toString()) as Group[];
}

describe.each([
  ['all', '', 'default', instances],
  ['of every namespace', 'namespace=*', '*', instances],
  ['of a large service', 'service=large', 'default', instances / 10],
  ['by tag and filter', 'tag=metrics&filter=meta.version matches "v[12]"', 'default', 28_572],
])('a list %s', (_name, query, namespace, count) => {
  test('is encoded in short steps', () => {
    // The work is the same in each run. The shortest time of each step counts: other programs of the machine must not.
    const runs = Array.from({ length: 3 }, () => encode(query, namespace, new Answers(0)));
    const [first] = runs as [(typeof runs)[0]];
    expect(groups(first.body).length).toBe(count);
    const shortest = first.steps.map((_, at) => Math.min(...runs.map(({ steps }) => steps[at] ?? Infinity)));
    expect(shortest.length).toBeGreaterThan(count / 1_000);
    expect(Math.max(...shortest)).toBeLessThan(50);
  });
});

test('after a change of one service, the others are not encoded again', () => {
  const answers = new Answers(536_870_912);
  const whole = encode('', 'default', answers);
  journal.commit([register(1, 'v99')]);
  const next = encode('', 'default', answers);
  expect(groups(next.body).filter(({ labels }) => labels.__meta_rollcall_meta_version === 'v99').length).toBe(1);
  expect(next.steps.length).toBeLessThan(whole.steps.length / 20);
});
