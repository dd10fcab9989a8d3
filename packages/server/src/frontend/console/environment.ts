/** The environment that the console shows on top of every page, so that an operator sees which one an action is for. */

export interface ConsoleEnvironment {
  /** 1 to 32 characters. */
  readonly name: string;
  /** Red also draws a stripe over every page. */
  readonly colour: 'red' | 'orange' | 'yellow' | 'green' | 'blue' | 'violet' | 'grey';
}
