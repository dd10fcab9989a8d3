/** The command line as a function, for programs that run it in their own process. */

export { runProcess } from './main.ts';
