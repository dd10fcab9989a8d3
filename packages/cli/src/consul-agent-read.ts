/** Reads the configuration files that the flags of `consul agent` name. `consul-agent.ts` interprets them. */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { formatOf, type ConfigFile, type Format } from './consul-agent-files.ts';
import type { GivenFlag } from './consul-agent-flags.ts';
import { usage } from './failure.ts';

export interface ConfigFiles {
  /** In the order of the flags that name them; those of a folder by name. */
  readonly files: readonly ConfigFile[];
  /** Files that are not read but may have been meant, one sentence each. */
  readonly remarks: readonly string[];
}

/** @throws CommandFailure `usage` for a file or folder that cannot be read */
export function readConfigFiles(flags: readonly GivenFlag[]): ConfigFiles {
  const named = flags.findLast(([name]) => name === 'config-format')?.[1];
  if (named !== undefined && named !== 'hcl' && named !== 'json') {
    throw usage(`-config-format: ${JSON.stringify(named)} is neither hcl nor json`);
  }
  const paths = flags.filter(([name]) => name === 'config-file' || name === 'config-dir').map(([, value]) => String(value));
  try {
    const all = paths.map((path) => readAt(path, named));
    return { files: all.flatMap(({ files }) => files), remarks: all.flatMap(({ remarks }) => remarks) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw usage(`cannot read the configuration: ${(error as Error).message}`);
  }
}

/** As in Consul, either flag takes a file or a folder, and folders below a folder do not count. */
function readAt(path: string, named: Format | undefined): ConfigFiles {
  if (!statSync(path).isDirectory()) {
    const format = named ?? formatOf(path);
    if (format !== undefined) return { files: [{ path, format, text: readFileSync(path, 'utf8') }], remarks: [] };
    throw usage(`${path} ends in neither .hcl nor .json, and -config-format does not say which it is`);
  }
  const inside = readdirSync(path)
    .sort()
    .map((name) => join(path, name))
    .filter((file) => !statSync(file).isDirectory());
  const readable = inside.filter((file) => (named ?? formatOf(file)) !== undefined);
  const files = readable.map((file) => ({
    path: file,
    format: named ?? formatOf(file) ?? 'hcl',
    text: readFileSync(file, 'utf8'),
  }));
  const others = inside.filter((file) => !readable.includes(file));
  return {
    files,
    remarks: [
      ...others.map((file) => `${file} is not read: its name ends in neither .hcl nor .json`),
      ...(files.length > 0 ? [] : [`${path} holds no file to read`]),
    ],
  };
}
