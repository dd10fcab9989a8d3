import { describe, expect, it } from 'vitest';
import { Answers } from './answers.ts';

const body = (text: string) => () => Buffer.from(text);
const never = () => {
  throw new Error('encoded again');
};

describe('answers', () => {
  it('are encoded once for each revision and representation', () => {
    const answers = new Answers(10_000);
    expect(answers.get('web', 1, 'json', body('one')).toString()).toBe('one');
    expect(answers.get('web', 1, 'json', never).toString()).toBe('one');
    expect(answers.get('web', 1, 'raw', body('raw')).toString()).toBe('raw');
    expect(answers.get('web', 2, 'json', body('two')).toString()).toBe('two');
    expect(answers.get('web', 2, 'raw', body('raw, too')).toString()).toBe('raw, too');
  });

  it('are taken from whoever remembers where they were kept, when there is a newer revision', () => {
    const answers = new Answers(10_000);
    answers.get('web', 1, 'json', body('one'));
    const kept = answers.kept('web', 'json');
    expect(kept?.body?.toString()).toBe('one');
    answers.get('web', 2, 'json', body('two'));
    expect(kept?.body).toBeUndefined();
    expect(answers.kept('web', 'json')?.body?.toString()).toBe('two');
  });

  it('and when there is no room for them', () => {
    const answers = new Answers(1_000);
    answers.get('web', 1, 'json', body('one'));
    const kept = answers.kept('web', 'json');
    for (let view = 0; view < 5; view++) answers.get(`other-${view}`, 1, 'json', body('x'));
    expect(kept?.body).toBeUndefined();
    expect(answers.bytes).toBeLessThanOrEqual(1_000);
  });

  it('have nothing to remember when there was no room from the start', () => {
    const answers = new Answers(0);
    expect(answers.get('web', 1, 'json', body('one')).toString()).toBe('one');
    expect(answers.kept('web', 'json')).toBeUndefined();
    expect(answers.bytes).toBe(0);
  });

  it('leave nothing behind when encoding fails', () => {
    const answers = new Answers(10_000);
    expect(() => answers.get('web', 1, 'json', never)).toThrow('encoded again');
    expect(answers.kept('web', 'json')).toBeUndefined();
    expect(answers.bytes).toBe(0);
  });
});
