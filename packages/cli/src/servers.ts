/** Which registry a command talks to: `--addr`, else ROLLCALL_HTTP_ADDR, else this machine. */

import { Option, type Command } from 'commander';
import { usage } from './failure.ts';
import { addressVariable } from './settings/resolve.ts';

const standard = 'http://127.0.0.1:8500';

export function addAddressOption(command: Command): Command {
  const description = `registry to talk to: HOST:PORT or a URL, several with commas (default ${standard}; ${addressVariable})`;
  return command.addOption(new Option('--addr <address>', description));
}

/**
 * @returns base URLs without a path, at least one
 * @throws CommandFailure `usage`
 */
export function serversOf(addr: string | undefined, env: Readonly<Record<string, string | undefined>>): string[] {
  const variable = env[addressVariable];
  const given = addr ?? (variable === undefined || variable === '' ? standard : variable);
  const where = addr === undefined ? addressVariable : '--addr';
  return given.split(',').map((one) => baseUrl(one.trim(), where));
}

function baseUrl(text: string, where: string): string {
  const wrong = (why: string) => usage(`${where}: ${JSON.stringify(text)} ${why}; write 127.0.0.1:8500 or https://registry.example`);
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    throw wrong('is not an address');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong('is neither http nor https');
  if (url.username !== '' || url.password !== '') throw wrong('has a user name, which is not supported');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') throw wrong('has more than a host and a port');
  return url.origin;
}
