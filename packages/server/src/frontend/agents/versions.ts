/** The order of versions of MCP servers: semantic versions by precedence (https://semver.org, section 11), other texts below them, as texts. Pure. */

const semantic = /^v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

/** Below 0 when `a` is older than `b`. */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [semantic.exec(a), semantic.exec(b)];
  if (one === null || other === null) {
    if (one !== null) return 1;
    return other !== null ? -1 : compareTexts(a, b);
  }
  for (const part of [1, 2, 3]) {
    const difference = Number(one[part]) - Number(other[part]);
    if (difference !== 0) return difference;
  }
  return compareEarly(one[4], other[4]) || compareTexts(a, b);
}

/** A version without a pre-release comes after those with one. */
function compareEarly(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const [these, those] = [a.split('.'), b.split('.')];
  for (let at = 0; at < Math.min(these.length, those.length); at++) {
    const difference = compareIdentifiers(these[at] ?? '', those[at] ?? '');
    if (difference !== 0) return difference;
  }
  return these.length - those.length;
}

function compareIdentifiers(a: string, b: string): number {
  const [isNumber, isOtherNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumber && isOtherNumber) return Number(a) - Number(b);
  return isNumber === isOtherNumber ? compareTexts(a, b) : Number(isOtherNumber) - Number(isNumber);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
