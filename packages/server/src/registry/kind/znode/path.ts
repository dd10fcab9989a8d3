/** Which paths of znodes are valid, and the end of a sequential one. The rules are those of ZooKeeper's `PathUtils.validatePath`. */

import { shown, ZnodeError } from './znode-error.ts';

/** Longest path in bytes of UTF-8: a record key has the path in it. URLs of Dubbo's providers with many methods have some 3,000. */
export const pathBytesMax = 3_900;

// oxlint-disable-next-line no-control-regex -- they are what the rule forbids
const forbidden = /[\u0001-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/;

/** @returns what is wrong with a path; undefined when it is valid */
export function pathFault(path: string): string | undefined {
  if (!path.startsWith('/')) return 'it does not start with /';
  if (path === '/') return undefined;
  if (path.endsWith('/')) return 'it ends with /';
  if (path.includes('\0')) return 'it has a null character';
  if (path.includes('//')) return 'it has an empty name';
  if (/\/\.\.?(?:\/|$)/.test(path)) return 'it has a relative name, . or ..';
  if (forbidden.test(path)) return 'it has a character that no path may have';
  if (path.length * 3 > pathBytesMax && Buffer.byteLength(path) > pathBytesMax) return `it is longer than ${pathBytesMax} bytes`;
  return undefined;
}

/** @throws ZnodeError `bad-arguments` */
export function assertPath(path: string): void {
  const fault = pathFault(path);
  if (fault !== undefined) throw new ZnodeError('bad-arguments', `path ${shown(path)} is not valid: ${fault}`);
}

/** What a sequential znode has at the end of its name: Java's `%010d` of a 32-bit number, which wraps around. */
export function sequenceText(sequence: number): string {
  const wrapped = sequence | 0;
  return wrapped < 0 ? `-${String(-wrapped).padStart(9, '0')}` : String(wrapped).padStart(10, '0');
}
