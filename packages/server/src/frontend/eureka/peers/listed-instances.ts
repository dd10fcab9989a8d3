/**
 * Finds the instances in the JSON of a whole registry (`GET /apps`), one after the other, so that a list of any size is read in slices.
 * It looks for the objects at the place of instances, `{applications: {application: [{instance: [{…}]}]}}`, and checks nothing else.
 */

/** How deep an instance is: four brackets are open around it, and its own. */
const depthOfInstance = 6;

const quote = 0x22;
const backslash = 0x5c;

/**
 * Yields `undefined` after every 64 KiB, so that its caller can give way to others.
 * @param text JSON in UTF-8
 * @returns parsed instances
 * @throws SyntaxError when an instance is no JSON
 */
export function* listedInstances(text: Buffer): Generator<unknown, void, undefined> {
  let depth = 0;
  let start = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    if ((at & 0xffff) === 0xffff) yield undefined;
    const byte = text[at];
    if (inString) {
      if (byte === backslash) at++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth++;
      if (depth === depthOfInstance && byte === 0x7b) start = at;
    } else if (byte === 0x7d || byte === 0x5d) {
      if (depth === depthOfInstance && byte === 0x7d) yield JSON.parse(text.toString('utf8', start, at + 1)) as unknown;
      depth--;
    }
  }
}
