/**
 * Gets a test suite of another project from GitHub, or from a checkout, and checks that it is the pinned one. It does not
 * run the suite.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * Puts the suite into `folder/suite`.
 * @param given a checkout of the suite; undefined downloads it
 * @param repository `owner/name` on GitHub
 * @param commit the pinned one, in full
 * @param sha256 of the `.js` files below `parts`, with their names: any change to them is an error
 * @returns the path of the suite
 * @throws Error when it cannot be downloaded, or is not the pinned one
 */
export async function foreignSuite({ folder, given, repository, commit, sha256, parts }) {
  const suite = join(folder, 'suite');
  if (given === undefined) await download(folder, suite, repository, commit);
  else cpSync(resolve(given), suite, { recursive: true, filter: (path) => !/[/\\](node_modules|\.git)$/.test(path) });
  const found = digest(suite, parts);
  if (found !== sha256) throw new Error(`this is not the suite of ${commit}: its files have the SHA-256 ${found}`);
  return suite;
}

/** Runs a program to its end. @throws Error when it cannot be started, or ends with another code than 0 unless `anyCode` allows it */
export function run(command, args, { anyCode = false, ...options } = {}) {
  const { status, error } = spawnSync(command, args, options);
  if (error !== undefined) throw error;
  if (status !== 0 && !anyCode) throw new Error(`${command} ${args[0]} ended with ${status}`);
}

async function download(folder, suite, repository, commit) {
  const archive = `https://codeload.github.com/${repository}/tar.gz/${commit}`;
  const answer = await fetch(archive).catch((error) => {
    throw new Error(`${archive} cannot be reached (${error.cause?.code ?? error.message}); name a folder that has the suite`);
  });
  if (!answer.ok) throw new Error(`${archive} answers ${answer.status}`);
  const file = join(folder, 'suite.tar.gz');
  writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
  run('tar', ['-xzf', file, '-C', folder]);
  cpSync(join(folder, `${repository.split('/')[1]}-${commit}`), suite, { recursive: true });
}

function digest(suite, parts) {
  const hash = createHash('sha256');
  for (const part of parts) {
    const root = join(suite, part);
    if (!existsSync(root)) continue;
    const names = readdirSync(root, { recursive: true }).map(String).filter((name) => name.endsWith('.js')).sort();
    for (const name of names) hash.update(`${part}/${name}\0`).update(readFileSync(join(root, name))).update('\0');
  }
  return hash.digest('hex');
}
