/** Describes the machine on which the figures were measured. */

import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { loader } from './http-load.mjs';
import { canPin } from './processes.mjs';

export function machine() {
  const pinning = canPin ? 'servers pinned to core 0, load to core 1' : 'nothing pinned';
  return [
    ['CPU', `${cpus()[0].model.trim()}, ${availableParallelism()} cores (${pinning})`],
    ['Memory', `${(totalmem() / 1e9).toFixed(0)} GB`],
    ['System', `Linux ${release()}`],
    ['Node', process.version],
    ['HTTP load', loader === 'wrk' ? wrkVersion() : 'autocannon'],
    ['Commit', `${text('git', ['rev-parse', '--short', 'HEAD'])}${text('git', ['status', '--porcelain']) === '' ? '' : ' and changes not committed'}`],
    ['Date', new Date().toISOString().slice(0, 16).replace('T', ' ') + ' UTC'],
  ];
}

const wrkVersion = () => /^wrk \S+/.exec(text('wrk', ['-v']))?.[0] ?? 'wrk';

function text(command, args) {
  const { stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return (stdout ?? '').trim();
}
