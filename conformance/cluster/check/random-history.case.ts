/**
 * Random small histories of one key or one lock: valid ones, made by a register that picks a moment for each operation, and
 * corrupted ones, in which one result was changed. The same seed gives the same history.
 */

import { keyModel, type KeyInput, type KeyOperation, type KeyOutput } from './key-model.ts';
import { lockModel, type LockInput, type LockOperation, type LockOutput } from './lock-model.ts';
import type { Operation } from './linearizable.ts';
import { seeded, type Random } from '../seeded.ts';

export interface HistoryShape {
  readonly seed: number;
  readonly clients: number;
  readonly operations: number;
  /** Results that are changed. */
  readonly corrupted: number;
}

/** Calls and returns are events 0, 1, …; an operation takes effect at a random event between its own two. */
function randomHistory<Input, Output>(
  { seed, clients, operations }: HistoryShape,
  invent: (random: Random) => Input,
  apply: (input: Input) => Output,
  told: (output: Output) => void = () => {},
): Operation<Input, Output>[] {
  const random = seeded(seed);
  interface Open { client: number; input: Input; call: number; output?: Output; applied: boolean }
  const open: Open[] = [];
  const done: Operation<Input, Output>[] = [];
  let at = 0;
  let left = operations;
  while (left > 0 || open.length > 0) {
    const idle = Array.from({ length: clients }, (_, client) => client).filter((client) => !open.some((each) => each.client === client));
    const choice = random.below(3);
    const pending = random.pick(open);
    if (choice === 0 && left > 0 && idle.length > 0) {
      open.push({ client: random.pick(idle) ?? 0, input: invent(random), call: at++, applied: false });
      left--;
    } else if (choice === 1 && pending !== undefined && !pending.applied) {
      pending.output = apply(pending.input);
      pending.applied = true;
    } else if (choice === 2 && pending !== undefined) {
      const lost = random.chance(0.1);
      if (!pending.applied && !lost) continue;
      open.splice(open.indexOf(pending), 1);
      if (!lost && pending.output !== undefined) told(pending.output);
      done.push({ client: pending.client, input: pending.input, call: pending.call, output: lost ? undefined : pending.output, return: lost ? Infinity : at++ });
    }
  }
  return done.sort((one, other) => one.call - other.call);
}

export function randomKeyHistory(shape: HistoryShape): KeyOperation[] {
  let state = keyModel(new Map()).initial;
  let revision = 0;
  let values = 0;
  /** Revisions that clients know: those that they have read. */
  const known = [0];
  const invent = (random: Random): KeyInput => {
    const kind = random.pick(['get', 'get', 'put', 'cas', 'cas', 'delete', 'delete-cas'] as const) ?? 'get';
    const revision = random.pick(known) ?? 0;
    switch (kind) {
      case 'get':
      case 'delete':
        return { kind };
      case 'put':
        return { kind, value: `v${++values}` };
      case 'cas':
        return { kind, value: `v${++values}`, revision };
      case 'delete-cas':
        return { kind, revision };
    }
  };
  const apply = (input: KeyInput): KeyOutput => {
    const write = (value: string): void => {
      state = { value, revision: ++revision, floor: revision };
    };
    switch (input.kind) {
      case 'get':
        return state.value === undefined ? {} : { found: { value: state.value, revision: state.revision } };
      case 'put':
        write(input.value);
        return { applied: true };
      case 'cas':
        if (state.revision !== input.revision) return { applied: false };
        write(input.value);
        return { applied: true };
      case 'delete':
        state = { ...state, value: undefined, revision: 0 };
        return { applied: true };
      case 'delete-cas':
        if (state.value !== undefined && state.revision !== input.revision) return { applied: false };
        state = { ...state, value: undefined, revision: 0 };
        return { applied: true };
    }
  };
  const history = randomHistory(shape, invent, apply, ({ found }) => {
    if (found !== undefined) known.push(found.revision);
  });
  const random = seeded(shape.seed + 1);
  const reads = history.flatMap(({ output }) => (output?.found === undefined ? [] : [output.found]));
  return corrupt(history, shape.corrupted, random, (output) => {
    if (output.applied !== undefined) return { applied: !output.applied };
    const found = random.pick(reads);
    return output.found === undefined || random.chance(0.5) ? (found === undefined ? {} : { found }) : {};
  });
}

export function randomLockHistory(shape: HistoryShape): LockOperation[] {
  const sessions = ['s1', 's2', 's3'];
  let state = lockModel.initial;
  const invent = (random: Random): LockInput => {
    const kind = random.pick(['acquire', 'acquire', 'release', 'read', 'end'] as const) ?? 'read';
    return kind === 'read' ? { kind } : { kind, session: random.pick(sessions) ?? 's1' };
  };
  const apply = (input: LockInput): LockOutput => {
    const outputs: LockOutput[] = input.kind === 'read' ? [state.holder === undefined ? {} : { holder: state.holder }] : [{ applied: true }, { applied: false }];
    for (const output of outputs) {
      const after = lockModel.step(state, input, output);
      if (after === undefined) continue;
      state = after;
      return output;
    }
    return {};
  };
  const history = randomHistory(shape, invent, apply);
  const random = seeded(shape.seed + 1);
  return corrupt(history, shape.corrupted, random, (output) => {
    if (output.applied !== undefined) return { applied: !output.applied };
    return output.holder === undefined ? { holder: random.pick(sessions) ?? 's1' } : {};
  });
}

function corrupt<Input, Output>(
  history: readonly Operation<Input, Output>[],
  count: number,
  random: Random,
  change: (output: Output) => Output,
): Operation<Input, Output>[] {
  const changed = [...history];
  for (let done = 0; done < count; done++) {
    const index = random.below(Math.max(changed.length, 1));
    const operation = changed[index];
    if (operation?.output !== undefined) changed[index] = { ...operation, output: change(operation.output) };
  }
  return changed;
}
