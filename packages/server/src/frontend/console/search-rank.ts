/** How well a name or a text fits what was typed. Pure. */

/** Higher fits better; undefined: it does not fit. @param typed in lower case, not empty */
export function rankOfName(name: string, typed: string): number | undefined {
  const lower = name.toLowerCase();
  const at = lower.indexOf(typed);
  if (at === 0) return lower.length === typed.length ? 100 : 80 - shortfall(lower, typed);
  if (at > 0) return (startsWord(lower, at) ? 60 : 40) - shortfall(lower, typed);
  return hasInOrder(lower, typed) ? 20 - shortfall(lower, typed) : undefined;
}

/** Content fits less than any name. */
export const rankOfContent = 5;

/** Up to 10: a name of which little was typed. */
function shortfall(name: string, typed: string): number {
  return 10 * (1 - typed.length / name.length);
}

function startsWord(text: string, at: number): boolean {
  return !/[\p{L}\p{N}]/u.test(text.charAt(at - 1));
}

/** Letters that were typed stand in the name in this order, with others between them; one or two letters would fit everything. */
function hasInOrder(name: string, typed: string): boolean {
  if (typed.length < 3 || typed.length > name.length) return false;
  let at = -1;
  for (const letter of typed) {
    at = name.indexOf(letter, at + 1);
    if (at < 0) return false;
  }
  return true;
}

/** The line of a content that has the text, cut around it. @param typed in lower case */
export function lineWith(content: string, typed: string): string | undefined {
  const at = content.toLowerCase().indexOf(typed);
  if (at < 0) return undefined;
  const from = content.lastIndexOf('\n', at) + 1;
  const end = content.indexOf('\n', at);
  const line = content.slice(from, end < 0 ? undefined : end);
  const cut = Math.max(0, at - from - lineMax / 2);
  return line.slice(cut, cut + lineMax).trim();
}

/** Characters of a line that is shown. */
const lineMax = 120;
