/** The command line as a function, for those who start it in a process of their own making. */

export { runProcess } from './main.ts';
