/**
 * Follows the log, and has one task for each configuration with a rollout that goes forward, and for each proposal with a time. It
 * decides nothing: tasks submit commands which the registry judges again.
 */

import type { InstanceRow } from '../registry/kind/catalog/rows.ts';
import { serviceView } from '../registry/kind/catalog/views.ts';
import { findConfig, scheduledProposals, stagedConfigs, stagedRollout } from '../registry/kind/config/find.ts';
import { configKey, proposalKey } from '../registry/kind/config/keys.ts';
import { serviceOf } from '../registry/kind/config/population.ts';
import type { ConfigRef, ProposalRow } from '../registry/kind/config/rows.ts';
import type { RowChange } from '../registry/kinds.ts';
import { lossesIn } from './losses.ts';
import type { RolloutsOptions } from './options.ts';
import { RolloutTask } from './rollout-task.ts';
import { lookAtSchedule } from './schedule-task.ts';
import { Task } from './task.ts';

interface Followed {
  readonly task: Task;
  /** Absent for a proposal. */
  readonly rollout?: RolloutTask;
  /** The service whose instances it counts. */
  service: string;
  unwatch: () => void;
}

export class Rollouts {
  readonly #options: RolloutsOptions;
  /** By record key of the configuration or the proposal. */
  readonly #followed = new Map<string, Followed>();
  /** Those that count instances, by the view of their service. */
  readonly #byService = new Map<string, Set<Followed>>();
  #unobserve: () => void = () => {};

  constructor(options: RolloutsOptions) {
    this.#options = options;
  }

  start(): void {
    const { registry } = this.#options;
    const all = () => {
      for (const row of stagedConfigs(registry.state)) this.#follow(row);
      for (const row of scheduledProposals(registry.state)) this.#followProposal(row);
    };
    this.#unobserve = registry.observe({
      observe: (changes) => this.#see(changes),
      *replaced() {
        all();
        yield;
      },
    });
    all();
  }

  close(): void {
    this.#unobserve();
    for (const { task, unwatch } of this.#followed.values()) {
      task.end();
      unwatch();
    }
    this.#followed.clear();
  }

  #see(changes: readonly RowChange[]): void {
    this.#seeLosses(changes);
    for (const { before, after } of changes) {
      const row = after ?? before;
      switch (row?.kind) {
        case 'config':
          this.#follow(row);
          break;
        case 'config-proposal':
          if (after === undefined) this.#forget(proposalKey(row, row.number));
          else this.#followProposal(row);
          break;
        case 'config-failure':
          this.#followed.get(configKey(row))?.task.wake();
          break;
        // Any configuration may have another owner when the members have changed.
        case 'members':
        case 'config-environment':
          for (const each of this.#followed.values()) each.task.wake();
          break;
        default:
      }
    }
  }

  /** Alarms count instances that are lost, on every node: another one may own the configuration a moment later. */
  #seeLosses(changes: readonly RowChange[]): void {
    if (this.#byService.size === 0) return;
    const of = ({ namespace, service }: InstanceRow) => this.#byService.get(serviceView(namespace, service));
    for (const row of lossesIn(this.#options.registry.state, changes, (instance) => of(instance) !== undefined)) {
      for (const { rollout, task } of of(row) ?? []) {
        rollout?.lose(row);
        task.wake();
      }
    }
  }

  #follow(ref: ConfigRef): void {
    const { registry } = this.#options;
    const key = configKey(ref);
    const row = findConfig(registry.state, ref);
    const rollout = stagedRollout(row);
    if (row === undefined || rollout === undefined) {
      this.#forget(key);
      return;
    }
    const service = serviceOf(row, rollout);
    let followed = this.#followed.get(key);
    if (followed === undefined) {
      const task = new RolloutTask(this.#options, row);
      followed = this.#begin(key, () => task.look(), task);
    }
    if (followed.service !== service) {
      const { task } = followed;
      const counted = followed;
      followed.unwatch();
      followed.service = service;
      const view = serviceView(row.namespace, service);
      const stop = registry.views.watch(view, () => task.wake());
      const others = this.#byService.get(view) ?? new Set();
      this.#byService.set(view, others.add(counted));
      followed.unwatch = () => {
        stop();
        if (others.delete(counted) && others.size === 0) this.#byService.delete(view);
      };
    }
    followed.task.wake();
  }

  #followProposal(row: ProposalRow): void {
    const key = proposalKey(row, row.number);
    const isOpen = row.state === 'open' && row.notBeforeMs !== undefined;
    if (!isOpen) this.#forget(key);
    else (this.#followed.get(key) ?? this.#begin(key, () => lookAtSchedule(this.#options, row, row.number))).task.wake();
  }

  #begin(key: string, look: () => Promise<number>, rollout?: RolloutTask): Followed {
    const { clock, log, ownership } = this.#options;
    const task = new Task({
      clock,
      look: () => (ownership.owns(key) ? look() : Promise.resolve(Infinity)),
      onError: (err) => log.warn({ err, key: key.replaceAll('\0', ' ') }, 'a rollout could not go on; it is tried again'),
    });
    const followed = { task, service: '', unwatch: () => {}, ...(rollout === undefined ? {} : { rollout }) };
    this.#followed.set(key, followed);
    return followed;
  }

  #forget(key: string): void {
    const followed = this.#followed.get(key);
    if (followed === undefined) return;
    followed.task.end();
    followed.unwatch();
    this.#followed.delete(key);
  }
}
