/** One rollout: keeps its places filled, ends it when its alarm says so, and begins its next stage when the time of one is over. */

import { findConfig, policyOf, stagedRollout, type StagedRollout } from '../registry/kind/config/find.ts';
import { inTurns } from '../in-turns.ts';
import { lookAt } from '../registry/kind/config/alarm.ts';
import { configLimits } from '../registry/kind/config/commands.ts';
import { isFor } from '../registry/kind/config/given.ts';
import { instanceName } from '../registry/kind/config/instance-name.ts';
import { instancesPerTurn, lookForPlaces, memberOf, nextWithCount } from '../registry/kind/config/population.ts';
import { remainingMs } from '../registry/kind/config/rollouts.ts';
import type { InstanceRow } from '../registry/kind/catalog/rows.ts';
import type { ConfigRef, ConfigRow } from '../registry/kind/config/rows.ts';
import type { RolloutsOptions } from './options.ts';
import { askWebhook } from './webhook.ts';

/** Between two looks while liveness knows nothing, and between two questions to a webhook. */
const frozenMs = 500;
const webhookMs = 5_000;

/** Losses in one command: two rows of a transaction, of which small ones have 128. */
const lossesAtOnce = 50;
/** After a look the task rests ten times as long as that has taken, so that it takes a tenth of the time at most. */
const restMsPerInstance = 0.05;
const restMaxMs = 500;

interface Losses {
  readonly release: number;
  /** Each as `NODE/ID`: those that had the release, and the others. */
  readonly with: Set<string>;
  readonly without: Set<string>;
}

export class RolloutTask {
  readonly #options: RolloutsOptions;
  readonly #ref: ConfigRef;
  /** On the monotonic clock. */
  #restUntil = 0;
  /** Losses that are not in the registry yet. */
  #losses: Losses | undefined;
  /** Of the webhook's last answer, on the monotonic clock; undefined: none for this stage. */
  #answered: { readonly stage: string; readonly at: number } | undefined;

  constructor(options: RolloutsOptions, ref: ConfigRef) {
    this.#options = options;
    this.#ref = ref;
  }

  /** An instance was lost. Called within a transaction: what the alarm says of it is found in the next look. @param row as it was */
  lose(row: InstanceRow): void {
    const { state } = this.#options.registry;
    const config = findConfig(state, this.#ref);
    const rollout = stagedRollout(config);
    if (config === undefined || rollout?.staged.alarm?.on.includes('unhealthy') !== true) return;
    const { release } = rollout;
    if (this.#losses?.release !== release) this.#losses = { release, with: new Set(), without: new Set() };
    const side = this.#losses[isFor(config, rollout, memberOf(state, row)) ? 'with' : 'without'];
    if (side.size < configLimits.failuresMax) side.add(instanceName(row));
  }

  /** @returns milliseconds until something may be due; Infinity: only after a change */
  async look(): Promise<number> {
    const { registry, clock, isFrozen } = this.#options;
    if (isFrozen()) this.#losses = undefined;
    else await this.#tellLosses();
    const row = findConfig(registry.state, this.#ref);
    const rollout = stagedRollout(row);
    if (row === undefined || rollout === undefined) return Infinity;
    if (isFrozen()) return frozenMs;
    const { namespace, app, cluster, name } = this.#ref;
    const meant = { namespace, app, cluster, name, rollout: rollout.name, release: rollout.release, stage: rollout.staged.stage };
    if (needsPopulation(rollout)) {
      const restMs = this.#restUntil - clock.monotonic();
      if (restMs > 0) return restMs;
      const { alarm, places, counted } = await inTurns(lookAt(registry.state, row, rollout), instancesPerTurn);
      this.#restUntil = clock.monotonic() + Math.min(restMaxMs, Math.floor(counted * restMsPerInstance));
      // The catalog cannot be believed if it froze meanwhile.
      if (isFrozen()) return frozenMs;
      if (alarm !== undefined) {
        if (await registry.submit({ kind: 'config-trip', ...meant, reason: alarm })) this.#tell(rollout, `its alarm ended it: ${alarm}`);
        return Infinity;
      }
      if (JSON.stringify(places) !== JSON.stringify(rollout.staged.assigned ?? [])) {
        // When it is refused, an instance has come back meanwhile.
        return (await registry.submit({ kind: 'config-assign', ...meant, places })) ? Infinity : frozenMs;
      }
    }
    const left = remainingMs(rollout.staged, clock.now());
    const { webhook } = rollout.staged.alarm ?? {};
    if (webhook !== undefined && rollout.staged.state === 'running') {
      const { reason, waitMs } = await this.#asked(webhook, row, rollout);
      if (reason !== undefined) {
        if (await registry.submit({ kind: 'config-trip', ...meant, reason })) this.#tell(rollout, `its alarm ended it: ${reason}`);
        return Infinity;
      }
      if (waitMs > 0) return left > 0 ? Math.min(left, waitMs) : waitMs;
    }
    if (left > 0) return left;
    const frozen = policyOf(registry.state, namespace).freezes?.find(({ fromMs, toMs }) => fromMs <= clock.now() && clock.now() < toMs);
    if (frozen !== undefined) return frozen.toMs - clock.now();
    if (await registry.submit({ kind: 'config-advance', ...meant, ...(await this.#nextPlaces(row, rollout)) })) this.#tell(rollout, `its stage ${rollout.staged.stage + 1} of ${rollout.staged.stages.length} is over`);
    return frozenMs;
  }

  async #tellLosses(): Promise<void> {
    const losses = this.#losses;
    const rollout = losses && stagedRollout(findConfig(this.#options.registry.state, this.#ref));
    if (losses === undefined || rollout?.release !== losses.release) return;
    const { namespace, app, cluster, name } = this.#ref;
    while (losses.with.size + losses.without.size > 0) {
      const [some, others] = [[...losses.with].slice(0, lossesAtOnce), [...losses.without].slice(0, lossesAtOnce)];
      await this.#options.registry.submit({ kind: 'config-lost', namespace, app, cluster, name, rollout: rollout.name, release: losses.release, with: some, without: others });
      for (const each of some) losses.with.delete(each);
      for (const each of others) losses.without.delete(each);
    }
  }

  /** Who gets the release in the next stage, if that has a count. */
  async #nextPlaces(row: ConfigRow, rollout: StagedRollout): Promise<{ readonly places?: readonly string[] }> {
    const next = nextWithCount(rollout);
    return next === undefined ? {} : { places: await inTurns(lookForPlaces(this.#options.registry.state, row, next), instancesPerTurn) };
  }

  /** @returns the webhook's reason to end the rollout, or how long its answer counts: 0 when it was asked just now and has no alarm */
  async #asked(webhook: string, row: ConfigRow, rollout: StagedRollout): Promise<{ readonly reason?: string; readonly waitMs: number }> {
    const { clock, ask, log } = this.#options;
    const stage = `${rollout.release}/${rollout.staged.stage}`;
    const isDue = remainingMs(rollout.staged, clock.now()) <= 0;
    const since = this.#answered?.stage === stage ? clock.monotonic() - this.#answered.at : Infinity;
    if (since < webhookMs) return { waitMs: isDue ? 0 : webhookMs - since };
    try {
      const reason = await askWebhook(ask, webhook, row, rollout);
      this.#answered = { stage, at: clock.monotonic() };
      return reason === undefined ? { waitMs: isDue ? 0 : webhookMs } : { reason, waitMs: 0 };
    } catch (err) {
      log.warn({ err, app: row.app, name: row.name, rollout: rollout.name }, 'the webhook of a rollout gave no answer; its stage goes on until it does');
      return { waitMs: webhookMs };
    }
  }

  #tell(rollout: StagedRollout, what: string): void {
    const { namespace, app, name } = this.#ref;
    const { audit, log } = this.#options;
    log.info({ namespace, app, name, rollout: rollout.name, release: rollout.release }, `a rollout went on: ${what}`);
    audit?.record({ kind: 'write', accessorId: '', namespace, address: '', via: 'rollouts', action: `rollout ${rollout.name} of config "${app}/${name}": ${what}` });
  }
}

function needsPopulation({ staged }: StagedRollout): boolean {
  const stage = staged.stages[staged.stage];
  return staged.alarm !== undefined || (stage !== undefined && 'count' in stage);
}
