import type { SpringApplication } from '../spring/application.mjs';

export function javaProblem(): string | undefined;
export function goProblem(): string | undefined;

export interface NacosServer {
  readonly address: string;
  readonly httpPort: number;
  start(): Promise<void>;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface NacosClient {
  ask(what: string, parameters?: Record<string, string>): Promise<string>;
  lines(what: string, parameters?: Record<string, string>): Promise<string[]>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

export function startServer(args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<NacosServer>;
export function startJavaClient(address: string, properties?: readonly string[]): Promise<NacosClient>;
export function startGoClient(address: string): Promise<NacosClient>;
export function startSpringApplication(address: string, name: string): Promise<SpringApplication>;
