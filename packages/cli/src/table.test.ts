/** Tables as people see them, on terminals and off them. */

import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { printTable, type Cell } from './table.ts';
import type { Terminal } from './terminal.ts';

function printed(rows: readonly (readonly (string | Cell)[])[], { isTTY = false, env = {} } = {}): string {
  const stdout = Object.assign(new PassThrough(), { isTTY });
  const terminal: Terminal = {
    stdin: new PassThrough(),
    stdout,
    stderr: new PassThrough(),
    env,
    unread: new AbortController().signal,
  };
  printTable(terminal, ['NAME', 'STATUS'], rows);
  return (stdout.read() as Buffer).toString();
}

const critical: Cell = { text: 'critical', tone: 'bad' };

describe('a table', () => {
  it('is aligned, without rules and without trailing spaces', () => {
    expect(printed([['a', 'passing'], ['a-long-name', critical]])).toBe(
      'NAME         STATUS\na            passing\na-long-name  critical\n',
    );
  });

  it('is aligned with wide characters, too', () => {
    expect(printed([['名前', 'x'], ['ab', 'y']])).toBe('NAME  STATUS\n名前  x\nab    y\n');
  });

  it.each<[string, boolean, Record<string, string>, boolean]>([
    ['on a terminal', true, {}, true],
    ['on a terminal with an empty NO_COLOR', true, { NO_COLOR: '' }, true],
    ['on a terminal with NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['on a dumb terminal', true, { TERM: 'dumb' }, false],
    ['in a pipe', false, {}, false],
  ])('%s has colours: %s, %j, %s', (_where, isTTY, env, colored) => {
    const text = printed([['a', critical]], { isTTY, env });
    expect(text.includes('\u001b[31mcritical\u001b[39m')).toBe(colored);
    expect(text.includes('\u001b')).toBe(colored);
  });

  it('shows control characters as text', () => {
    expect(printed([['a\u001b[2J', 'b\nc\t\u009bd\u007f']])).toContain('a\\x1b[2J  b\\nc\\t\\x9bd\\x7f');
  });
});
