/** The completion scripts in the shells themselves: their candidates for a line. */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { folder, here } from '../processes.case.ts';

type Shell = 'bash' | 'zsh' | 'fish';

/** Runs a program of the shell that knows the script as `$1`. */
async function inShell({ skip }: TestContext, shell: Shell, program: string, ...args: string[]): Promise<string> {
  skip(spawnSync(shell, ['-c', 'true']).error !== undefined, `${shell} is not installed; \`node conformance/install-debian.mjs\` installs it on Debian`);
  const script = join(folder(), shell === 'zsh' ? '_rollcall' : 'rollcall');
  const printed = await here(['completion', shell]);
  expect(printed).toMatchObject({ code: 0, stderr: '' });
  writeFileSync(script, printed.stdout);
  const prefix = shell === 'fish' ? ['-N', '-c', program] : shell === 'bash' ? ['--norc', '-c', program, 'bash'] : ['-f', '-c', program, 'zsh'];
  const { stdout, stderr, status } = spawnSync(shell, [...prefix, script, ...args], { encoding: 'utf8', timeout: 30_000 });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/** For each line, some of its candidates, and words that are not candidates. */
const lines: readonly (readonly [line: string, offers: readonly string[], not: readonly string[]])[] = [
  ['rollcall ', ['serve', 'kv', 'completion'], ['--raw', 'put']],
  ['rollcall kv ', ['get', 'put', 'export', 'import'], ['serve', '--raw']],
  ['rollcall kv ex', ['export'], ['get']],
  ['rollcall kv get --', ['--raw', '--json', '--token-file'], ['--cas', 'get']],
  ['rollcall acl token create --service', ['--service-identity'], ['--policy']],
  ['rollcall services ', ['register', 'deregister'], ['serve']],
  ['rollcall services register --t', ['--tag', '--token-file', '--tls-server-name'], ['--id']],
  ['rollcall monitor --log-level ', ['debug', 'err'], ['--log-json', 'serve']],
  ['rollcall --addr x monitor --log-level w', ['warn'], ['err']],
];

describe('bash', () => {
  const complete = (context: TestContext, line: string) => {
    const words = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; _rollcall; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return inShell(context, 'bash', words, ...line.split(' '));
  };

  it.for(lines)('completes %j', async ([line, offers, not], context) => {
    const found = (await complete(context, line)).split('\n');
    expect(found).toEqual(expect.arrayContaining([...offers]));
    for (const word of not) expect(found).not.toContain(word);
  });

  it('completes --option=value, which arrives as three words', async (context) => {
    expect(await complete(context, 'rollcall validate --config-format = h')).toBe('hcl\n');
    expect(await complete(context, 'rollcall validate --config-format =')).toBe('hcl\njson\n');
  });

  it('leaves file names, and words after --, to bash', async (context) => {
    expect(await complete(context, 'rollcall backup ')).toBe('\n');
    expect(await complete(context, 'rollcall members --token-file ')).toBe('\n');
    expect(await complete(context, 'rollcall lock p -- rollcall ')).toBe('\n');
    expect(await inShell(context, 'bash', 'source "$1"; complete -p rollcall')).toBe('complete -o bashdefault -o default -F _rollcall rollcall\n');
  });
});

describe('fish', () => {
  it.for(lines)('completes %j', async ([line, offers, not], context) => {
    const found = (await inShell(context, 'fish', 'source $argv[1]; complete -C $argv[2]', line)).split('\n').map((each) => each.split('\t')[0]);
    expect(found).toEqual(expect.arrayContaining([...offers]));
    for (const word of not) expect(found).not.toContain(word);
  });
});

describe('zsh', () => {
  /** A zsh with a terminal, to which the line and a tab are typed; it lists the candidates. */
  const program = `
    zmodload zsh/zpty
    zpty terminal zsh -f -i
    type() { zpty -w terminal "$1" }
    type "PS1='' RPS1='' LISTMAX=10000; stty columns 200; setopt LIST_ROWS_FIRST no_always_last_prompt"
    type "fpath=(\${1:h} \\$fpath); autoload -U compinit; compinit -u -D"
    type "listing() { zle list-choices; zle -R; print DO''NE }; zle -N listing; bindkey '^X' listing"
    type "print REA''DY"
    until [[ $text == *READY* ]]; do zpty -r terminal chunk || exit 1; text+=$chunk; done
    text=
    zpty -n -w terminal "$2"$'\\C-x'
    until [[ $text == *DONE* ]]; do zpty -r terminal chunk || exit 1; text+=$chunk; done
    print -r -- "$text"
    zpty -d terminal`;

  it.for(lines.filter(([line]) => !line.startsWith('rollcall --addr')))('completes %j', async ([line, offers, not], context) => {
    const shown = await inShell(context, 'zsh', program, line);
    // oxlint-disable-next-line no-control-regex -- terminals are moved about by them
    const found = shown.replace(/\u001b\[[0-9;?]*[a-zA-Z]/g, '').split(/\s+/);
    expect(found).toEqual(expect.arrayContaining([...offers]));
    for (const word of not.filter((each) => !line.includes(each))) expect(found).not.toContain(word);
  });
});
