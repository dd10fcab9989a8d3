/** Command lines as Consul's users type them. */

import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { acceptConsulStyle } from './consul-style.ts';
import { createProgram } from './program.ts';

const terminal = {
  stdin: new PassThrough(),
  stdout: new PassThrough(),
  stderr: new PassThrough(),
  env: {},
  unread: new AbortController().signal,
};
const program = await createProgram({ terminal, setExitCode: () => {} });
const accept = (line: string) => acceptConsulStyle(line.split(' '), program).join(' ');

describe('a command line in the style of Consul', () => {
  it.each([
    ['members -detailed -status=alive', 'members --detailed --status=alive'],
    ['members -http-addr=https://a:1 -client-cert=c -client-key k', 'members --addr=https://a:1 --cert-file=c --key-file k'],
    ['members -detailed=false -status alive', 'members --status alive'],
    ['members -detailed=true', 'members --detailed'],
    ['nodes -stale -format=json', 'nodes --json'],
    ['nodes -stale=true -format pretty', 'nodes'],
    ['kv put a b -cas -1', 'kv put a b --cas -1'],
    ['kv get -- -x -stale', 'kv get -- -x -stale'],
    ['services register -name=web -port 80', 'services register --name=web --port 80'],
    ['run web -port 80 -- prog -x=1 --addr', 'run web --port 80 -- prog -x=1 --addr'],
    ['watch -type=key -key a handler -x --json', 'watch --type=key --key a -- handler -x --json'],
    ['watch -type key -shell=false handler', 'watch --type key --no-shell -- handler'],
    ['watch web --json', 'watch web --json'],
    ['lock -n=2 -try=5s -pass-stdin p cmd -n 3 --json', 'lock -n 2 --timeout=5s --pass-stdin -- p cmd -n 3 --json'],
    ['lock -n 2 p -verbose -- cmd -verbose', 'lock -n 2 p --verbose -- cmd -verbose'],
    ['lock -shell=false -child-exit-code p cmd', 'lock --no-shell --child-exit-code -- p cmd'],
    ['watch web -json -- handler -json', 'watch web --json -- handler -json'],
    ['version -format=json', 'version --consul'],
    ['version -format=pretty', 'version --format=pretty'],
    ['agent -dev', 'agent -dev'],
    // The parser reports unknown options.
    ['members -nonsense=1', 'members -nonsense=1'],
    ['nosuch -stale', 'nosuch -stale'],
  ])('%s is read as %s', (line, expected) => {
    expect(accept(line)).toBe(expected);
  });

  it.each([
    ['members -token=secret', 'can be read by every user'],
    ['members -detailed=perhaps', 'neither true nor false'],
    ['members -format=yaml', 'write json or pretty'],
  ])('%s is refused', (line, message) => {
    expect(() => accept(line)).toThrow(message);
  });
});
