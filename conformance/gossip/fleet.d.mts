import type { ChildProcess } from 'node:child_process';

export interface FleetMember {
  readonly name: string;
  readonly child: ChildProcess;
  isLive: boolean;
  readonly address: { readonly host: string; readonly port: number } | undefined;
}

export interface FleetOptions {
  readonly wrap?: (name: string, command: readonly string[]) => readonly string[];
  readonly options?: object;
}

export class Fleet {
  constructor(options?: FleetOptions);
  readonly members: ReadonlyMap<string, FleetMember>;
  readonly seen: readonly { readonly at: number; readonly by: string; readonly name: string; readonly state: string }[];
  start(name: string, options?: object): Promise<FleetMember>;
  tell(name: string, command: object): void;
  kill(name: string): number;
  disagreements(): Promise<string[]>;
  agreed(mostMs: number): Promise<number>;
  known(name: string, state: string, since: number, mostMs: number): Promise<number[]>;
  falseDeaths(since: number): readonly { readonly name: string; readonly by: string }[];
  stop(): void;
}
