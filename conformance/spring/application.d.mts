/** Types of application.mjs, which is plain JavaScript as the files that start servers beside it are. */

import type { JavaProgram } from '../java-program.mjs';

export type SpringRegistry = 'eureka' | 'nacos' | 'zookeeper';

export interface SpringApplication extends JavaProgram {
  readonly url: string;
  readonly port: number;
  readonly id: string;
}

export interface SpringOptions {
  readonly name: string;
  readonly id?: string;
  readonly argsFor: (port: number, id: string) => readonly string[];
}

export function springProblem(registry: SpringRegistry): string | undefined;
export function startSpring(registry: SpringRegistry, options: SpringOptions): Promise<SpringApplication>;
