/**
 * Clusters that a proxy does not use yet: it has just got them, and has not taken over their endpoints. Requests of a route to such a cluster
 * fail. A proxy that asks for no endpoints is not waited for longer than some seconds.
 */

import type { WheelTimer, Wheel } from '../../../health/wheel.ts';
import { clusterName, groups } from '../resources/names.ts';

/** A proxy asks for the endpoints of a new cluster at once. */
const patienceMs = 5_000;

export class Warming {
  readonly #wheel: Wheel;
  readonly #onChange: () => void;
  readonly #clusters = new Set<string>();
  /** Clusters of the endpoints that are on their way. */
  #sent: readonly string[] = [];
  #timer: WheelTimer | undefined;

  /** @param onChange called when a cluster is not waited for any more */
  constructor(wheel: Wheel, onChange: () => void) {
    this.#wheel = wheel;
    this.#onChange = onChange;
  }

  /** Whether one of the clusters of a service is warming. @param base its name, as the client spells it */
  has(base: string): boolean {
    return this.#clusters.size > 0 && groups.some((group) => this.#clusters.has(clusterName(base, group)));
  }

  /** The client gets these clusters now. */
  begin(names: readonly string[]): void {
    if (names.length === 0) return;
    for (const name of names) this.#clusters.add(name);
    this.#timer?.cancel();
    this.#timer = this.#wheel.schedule(patienceMs, () => {
      this.#clusters.clear();
      this.#onChange();
    });
  }

  /** Endpoints of these clusters are on their way. */
  sent(endpoints: Iterable<{ readonly name: string }>): void {
    if (this.#clusters.size > 0) this.#sent = Array.from(endpoints, ({ name }) => name);
  }

  /** The client has answered them. */
  answered(): void {
    for (const name of this.#sent) this.#clusters.delete(name);
    this.#sent = [];
    if (this.#clusters.size === 0) this.#timer?.cancel();
  }

  end(): void {
    this.#timer?.cancel();
  }
}
