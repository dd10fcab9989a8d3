/** The environment that the console shows on every page, as an operator writes it: `NAME` or `NAME:COLOUR`. */

import type { ConsoleEnvironment } from '@rollcall/server';

const colours: readonly ConsoleEnvironment['colour'][] = ['red', 'orange', 'yellow', 'green', 'blue', 'violet', 'grey'];
const nameMax = 32;

/**
 * Without a colour, production is red and every other environment grey.
 * @throws Error that says what is wrong with the text
 */
export function consoleEnvironment(text: string): ConsoleEnvironment {
  const [name = '', ...rest] = text.split(':');
  const named = rest.length === 0 ? (/^prod/i.test(name) ? 'red' : 'grey') : rest.join(':');
  if (name === '' || name.length > nameMax) throw new Error(`the name of an environment has 1 to ${nameMax} characters, but ${JSON.stringify(name)} has ${name.length}`);
  const colour = colours.find((each) => each === named);
  if (colour === undefined) throw new Error(`${JSON.stringify(named)} is not a colour of an environment; use one of ${colours.join(', ')}`);
  return { name, colour };
}
