/**
 * Calls that some folders must not make, each with its replacement and the reason. Exceptions are
 * edges: the files whose job it is to make that call, listed by name with why.
 */

import { codeOf, lineAt, type SourceFile } from './source-files.ts';

export interface Ban {
  /** Paths from the root that the ban covers. */
  readonly files: RegExp;
  readonly call: RegExp;
  readonly instead: string;
  /** Path of an exempt file, with the reason. */
  readonly except?: Readonly<Record<string, string>>;
}

const timed = /^packages\/(server|client|gossip)\/src\//;
const registry = /^packages\/server\/src\/registry\//;
const health = /^packages\/server\/src\/health\//;
const packages = /^packages\/(protocol|client|server|gossip)\/src\//;

const clockEdge = {
  'packages/server/src/clock.ts': 'it is the clock',
  'packages/client/src/clock.ts': 'it is the clock',
  'packages/gossip/src/clock.ts': 'it is the clock',
};

export const bans: readonly Ban[] = [
  {
    files: registry,
    call: /\b(?:Date|performance|Temporal)\b/,
    instead: 'take `now` as an argument: the state machine has no clock, or two nodes would disagree',
  },
  {
    files: registry,
    call: /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask|nextTick)\b/,
    instead: 'let the replica or `health/` submit a command: the state machine has no timers',
  },
  {
    files: registry,
    call: /\b(?:async|await|Promise)\b/,
    instead: 'return the result: the state machine is synchronous, so that a batch is decided in one go',
    except: { 'packages/server/src/registry/registry.ts': 'the port that the replica implements; types only' },
  },
  {
    files: registry,
    call: /\b(?:process|globalThis|fetch|crypto)\b\s*[.(]/,
    instead: 'take it as an argument: the state machine does no I/O',
  },
  {
    files: packages,
    call: /\bMath\s*\.\s*random\b/,
    instead: 'take a source of random numbers as an argument, so that a test can repeat a run',
    except: {
      'packages/server/src/core.ts': 'the composition root passes it on',
      'packages/server/src/follow.ts': 'the composition root passes it on',
      'packages/server/src/frontend/consul/frontend.ts': 'the default of an option that tests give',
      'packages/client/src/clock.ts': 'it is the source that the rest of the client is given',
      'packages/gossip/src/clock.ts': 'it is the source that the rest of the package is given',
    },
  },
  {
    files: timed,
    call: /\bDate\s*\.\s*now\b|\bnew\s+Date\s*\(\s*\)|\bperformance\s*\.\s*now\b/,
    instead: 'use the `Clock` that is passed in: `now()` for timestamps, `monotonic()` for durations',
    except: clockEdge,
  },
  {
    files: health,
    call: /(?<!\.\s*)\bset(?:Timeout|Interval)\b|\.\s*timer\s*\(/,
    instead: 'use the timing wheel: one timer serves every deadline',
    except: {
      'packages/server/src/health/wheel.ts': 'it is the wheel',
      'packages/server/src/health/stall-guard.ts': 'it watches the event loop that the wheel turns on',
    },
  },
  {
    files: timed,
    call: /(?<!\.\s*)\bset(?:Timeout|Interval)\b/,
    instead: 'use `Clock.timer`, or in the server the `Wheel`',
    except: clockEdge,
  },
  {
    files: packages,
    call: /\bconsole\s*\./,
    instead: 'use the logger that is passed in, or return the error',
  },
  {
    files: /^packages\//,
    call: /\bPromise\s*\.\s*withResolvers\b|\bArray\s*\.\s*fromAsync\b/,
    instead: 'write it out: Node 20 does not have it',
  },
  {
    files: /^packages\/(?:protocol|client|server|gossip|cli|console)\/src\//,
    call: /\bAbortSignal\s*\.\s*any\b/,
    instead: 'use `withTimeLimit` for a limit, and a controller of its own for each request: Node 20 loses a combined time-out at a garbage collection, and keeps some bytes of each combination as long as its oldest signal',
    except: {
      'packages/protocol/src/time-limit.ts': 'it keeps the time-out alive',
      'packages/server/src/engine/etcd/open.ts': 'two controllers, once for each reader of the feed',
      'packages/server/src/engine/node/node.ts': 'two controllers, once for each reader of the feed',
      'packages/server/src/engine/node/presence.ts': 'two controllers, once for each presence',
    },
  },
];

/** Breaches, one line each: the place, the call, and its replacement. */
export function checkCalls(files: readonly SourceFile[], list: readonly Ban[] = bans): string[] {
  return files.flatMap(({ path, text }) => {
    const code = codeOf(text, { keepStrings: false });
    return list
      .filter((ban) => ban.files.test(path) && ban.except?.[path] === undefined)
      .flatMap((ban) =>
        [...code.matchAll(new RegExp(ban.call, 'g'))].map(
          ({ 0: call, index }) => `${path}:${lineAt(code, index)} has \`${call.trim()}\`: ${ban.instead}`,
        ),
      );
  });
}
