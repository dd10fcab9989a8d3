/** Types of `prepare.mjs`, which must run before TypeScript is installed. */

interface Lock {
  readonly packages: Readonly<Record<string, object>>;
}

export const root: string;
export function nodeProblem(version?: string): string;
export function run(command: string, args: readonly string[], options?: object): boolean;
export function install(): boolean;
export function build(): boolean;
export function isInstalled(wanted: Lock, found: Lock | undefined): boolean;
