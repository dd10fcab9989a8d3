/**
 * `sem_ver`: compares versions. A version is one of semver.org 2.0.0, with a `v` before it or without its last parts (`1`, `1.2`);
 * anything else gives null, so that the rule is false.
 */

import { textOf, type Expression, type Operator } from './expression.ts';

interface Version {
  /** Major, minor, patch. */
  readonly numbers: readonly [number, number, number];
  /** Identifiers after `-`; none: a release, which is after all of its previews. */
  readonly preview: readonly (string | number)[];
}

type Test = (left: Version, right: Version) => boolean;

const tests: ReadonlyMap<string, Test> = new Map<string, Test>([
  ['=', (left, right) => order(left, right) === 0],
  ['!=', (left, right) => order(left, right) !== 0],
  ['<', (left, right) => order(left, right) < 0],
  ['<=', (left, right) => order(left, right) <= 0],
  ['>', (left, right) => order(left, right) > 0],
  ['>=', (left, right) => order(left, right) >= 0],
  ['^', (left, right) => left.numbers[0] === right.numbers[0]],
  ['~', (left, right) => left.numbers[0] === right.numbers[0] && left.numbers[1] === right.numbers[1]],
]);

export const semVer: Operator = {
  call(values) {
    if (values.length !== 3) return null;
    return compared(versionOf(values[0]), tests.get(textOf(values[1])), versionOf(values[2]));
  },
  compile(operands) {
    if (operands.length !== 3) return () => null;
    const [version, test, limit] = operands as readonly [Expression, Expression, Expression];
    if (test.constant === undefined || limit.constant === undefined) return undefined;
    const knownTest = tests.get(textOf(test.constant.value));
    const knownLimit = versionOf(limit.constant.value);
    return (scope) => compared(versionOf(version.run(scope)), knownTest, knownLimit);
  },
};

function compared(left: Version | undefined, test: Test | undefined, right: Version | undefined): boolean | null {
  return left === undefined || right === undefined || test === undefined ? null : test(left, right);
}

const identifier = '(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)';
const whole = new RegExp(`^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(?:-(${identifier}(?:\\.${identifier})*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`);
const partial = /^(\d{1,15})(?:\.(\d{1,15}))?$/;

/** A longer version is none. */
const versionMax = 256;

function versionOf(value: unknown): Version | undefined {
  const text = textOf(value).replace(/^[vV]/, '').trim();
  if (text.length > versionMax) return undefined;
  const parts = whole.exec(text);
  if (parts === null) {
    const short = partial.exec(text);
    return short === null ? undefined : { numbers: [Number(short[1]), Number(short[2] ?? 0), 0], preview: [] };
  }
  const numbers = [Number(parts[1]), Number(parts[2]), Number(parts[3])] as const;
  if (!numbers.every(Number.isSafeInteger)) return undefined;
  return { numbers, preview: parts[4]?.split('.').map((each) => (/^\d+$/.test(each) ? Number(each) : each)) ?? [] };
}

/** semver.org, item 11. */
function order(left: Version, right: Version): number {
  for (let at = 0; at < 3; at++) {
    const difference = (left.numbers[at] as number) - (right.numbers[at] as number);
    if (difference !== 0) return difference;
  }
  if (left.preview.length === 0 || right.preview.length === 0) return right.preview.length - left.preview.length;
  for (const [at, one] of left.preview.entries()) {
    const other = right.preview[at];
    if (other === undefined) return 1;
    if (one !== other) return orderOfIdentifiers(one, other);
  }
  return left.preview.length - right.preview.length;
}

/** Numbers by size, texts by character, and numbers before texts. */
function orderOfIdentifiers(one: string | number, other: string | number): number {
  if (typeof one !== typeof other) return typeof one === 'number' ? -1 : 1;
  return one < other ? -1 : 1;
}
