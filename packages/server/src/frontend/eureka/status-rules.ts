/**
 * Which status a registration gets. The rules and their order are those of Eureka's server
 * (`eureka-core/.../registry/rule/`: `DownOrStartingRule`, `OverrideExistsRule`, `LeaseExistsRule`, `AlwaysMatchInstanceStatusRule`).
 * An override is kept beside the status in the registry, so it needs no rule here.
 */

import type { EurekaStatus } from './wire/instance-info.ts';

/**
 * @param before the status that Eureka's clients saw; undefined when there was no instance, or its lease had lapsed
 * @param overridden whether an operator has set a status
 * @param replicated whether another server sent it
 */
export function registeredStatus(
  given: EurekaStatus,
  { before, overridden, replicated }: { readonly before: EurekaStatus | undefined; readonly overridden: boolean; readonly replicated: boolean },
): EurekaStatus {
  // The instance says that it cannot serve, or not yet, or does not know.
  if (given !== 'UP' && given !== 'OUT_OF_SERVICE') return given;
  // The override decides the effective status. What the instance says counts once the override has gone.
  if (overridden || replicated) return given;
  return before === 'UP' || before === 'OUT_OF_SERVICE' ? before : given;
}
