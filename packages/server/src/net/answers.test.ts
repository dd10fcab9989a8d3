import { describe, expect, it } from 'vitest';
import { Answers, Body } from './answers.ts';

const body = (...texts: string[]) => new Body(texts.map((text) => Buffer.from(text)));
const textOf = (found: Body | undefined) => (found === undefined ? undefined : Buffer.concat(found.buffers).toString());

describe('answers', () => {
  it('are found by their revision and representation', () => {
    const answers = new Answers(10_000);
    expect(answers.find('web', 1, 'json')).toBeUndefined();
    answers.keep('web', 1, 'json', body('o', 'ne'));
    answers.keep('web', 1, 'raw', body('raw'));
    expect(textOf(answers.find('web', 1, 'json'))).toBe('one');
    expect(textOf(answers.find('web', 1, 'raw'))).toBe('raw');
    expect(answers.find('web', 2, 'json')).toBeUndefined();
    answers.keep('web', 2, 'json', body('two'));
    expect([textOf(answers.find('web', 2, 'json')), answers.find('web', 2, 'raw')]).toEqual(['two', undefined]);
  });

  it('are not replaced by those of an older revision, which took longer to encode', () => {
    const answers = new Answers(10_000);
    answers.keep('web', 2, 'json', body('two'));
    answers.keep('web', 1, 'json', body('one'));
    expect([textOf(answers.find('web', 2, 'json')), answers.find('web', 1, 'json')]).toEqual(['two', undefined]);
  });

  it('leave the slot of a plan when a newer revision is kept', () => {
    const answers = new Answers(10_000);
    answers.keep('web', 1, 'json', body('one'));
    const kept = answers.kept('web', 'json');
    expect(textOf(kept?.body)).toBe('one');
    answers.keep('web', 2, 'json', body('two'));
    expect(kept?.body).toBeUndefined();
    expect(textOf(answers.kept('web', 'json')?.body)).toBe('two');
  });

  it('count once when the same body is added again', () => {
    const answers = new Answers(10_000);
    answers.keep('web', 1, 'json', body('one'));
    const { bytes } = answers;
    answers.keep('web', 1, 'json', body('one'));
    expect(answers.bytes).toBe(bytes);
    answers.keep('web', 2, 'json', body('two'));
    expect(answers.bytes).toBe(bytes);
  });

  it('count with the text that is kept beside the bytes of a small body', () => {
    const [small, large] = [4_096, 4_097].map((bytes) => {
      const answers = new Answers(100_000);
      answers.keep('web', 1, 'json', body('x'.repeat(bytes)));
      return answers.bytes - bytes;
    });
    expect(small).toBe(4_096 + (large ?? 0));
  });

  it('are dropped when the memory is full', () => {
    const answers = new Answers(1_000);
    answers.keep('web', 1, 'json', body('one'));
    const kept = answers.kept('web', 'json');
    for (let view = 0; view < 5; view++) answers.keep(`other-${view}`, 1, 'json', body('x'));
    expect(kept?.body).toBeUndefined();
    expect(answers.bytes).toBeLessThanOrEqual(1_000);
  });

  it('of a view in use stay while many others are added and evicted', () => {
    const answers = new Answers(1_000);
    answers.keep('found', 1, 'json', body('one'));
    answers.keep('touched', 1, 'json', body('two'));
    const kept = answers.kept('touched', 'json');
    for (let view = 0; view < 8_192; view++) {
      answers.keep(`other-${view}`, 1, 'json', body('x'));
      expect(textOf(answers.find('found', 1, 'json'))).toBe('one');
      answers.touch('touched');
    }
    expect(textOf(kept?.body)).toBe('two');
    expect(answers.find('other-0', 1, 'json')).toBeUndefined();
    expect(answers.bytes).toBeLessThanOrEqual(1_000);
  });

  it('of one view that need more than the whole memory are dropped for the newest', () => {
    const answers = new Answers(1_000);
    for (let name = 0; name < 10; name++) answers.keep('web', 1, `json ${name}`, body('x'.repeat(100)));
    expect(textOf(answers.find('web', 1, 'json 9'))).toBe('x'.repeat(100));
    expect(answers.bytes).toBeLessThanOrEqual(1_000);
  });

  it('are not kept with a maximum of 0', () => {
    const answers = new Answers(0);
    answers.keep('web', 1, 'json', body(''));
    expect([answers.find('web', 1, 'json'), answers.bytes]).toEqual([undefined, 0]);
  });

  it('that are larger than the whole memory evict nothing', () => {
    const answers = new Answers(1_000);
    answers.keep('web', 1, 'json', body('one'));
    answers.keep('all', 1, 'json', body('x'.repeat(1_000)));
    expect([textOf(answers.find('web', 1, 'json')), answers.find('all', 1, 'json')]).toEqual(['one', undefined]);
  });
});
