/** The player of documents: it must fail where a reader would. */

import { describe, expect, it } from 'vitest';
import { blocksOf } from './markdown.ts';
import { play, typed, type Stage } from './walkthrough.ts';

const stage: Stage = {
  folder: '/',
  env: process.env,
  replace: { 'port 8500': 'port 31234' },
  timeoutMs: 60_000,
  run: (_block, text) => ['bash', '-ec', text],
};

const playText = (...blocks: string[]) => play(blocksOf(blocks.join('\n')), stage);
const block = (info: string, text: string) => `\`\`\`sh ${info}\n${text}\n\`\`\``;

describe('playing a document', () => {
  it('runs blocks in order, some in the background, with other ports', async () => {
    await playText(
      block('terminal=1 until="on port 31234"', 'echo on port 8500; sleep 1000'),
      block('prints="second"', 'echo first; echo second'),
    );
  });

  it('replaces each text once, also where one replacement contains the next text', () => {
    expect(typed('8500 and 127.0.0.1:8080, not 127x0', { '8500': '28080', '8080': '31111', '127.0': '10.8500' })).toBe('28080 and 10.8500.0.1:31111, not 127x0');
    expect(typed('8500', {})).toBe('8500');
  });

  it('stops programs that still run', async () => {
    const started = performance.now();
    await playText(block('terminal=1 until="there"', 'echo there; sleep 1000'));
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('sees the effects of a block in another terminal', async () => {
    const file = `/tmp/rollcall-walkthrough-${process.pid}`;
    const waits = `rm -f ${file}; mkfifo ${file}; echo waits; cat ${file}`;
    await playText(block('terminal=1 until="waits"', waits), block('shows="1:gone"', `echo gone > ${file}; rm ${file}`));
  });

  it.each([
    ['a command fails', block('', 'true; false; echo on'), 'ended with 1'],
    ['a command does not exist', block('', 'rollcall-no-such-command'), 'ended with 127'],
    ['the output is another', block('prints="passing"', 'echo critical'), 'did not print "passing"'],
    ['it ends too early', block('until="ready"', 'echo starting'), 'did not print "ready"'],
    ['another terminal does not exist', block('shows="7:gone"', 'true'), 'no terminal 7'],
  ])('fails when %s, and says where', async (_what, text, message) => {
    await expect(playText(text)).rejects.toThrow(message);
    await expect(playText(text)).rejects.toThrow('line 1: ');
  });
});
