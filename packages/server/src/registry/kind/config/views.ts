/**
 * Names of the views of configurations.
 *
 * | view | content | its revision is |
 * |---|---|---|
 * | `config <namespace> <app> <name> [<cluster>]` | one configuration: its current release and its rollouts | that of its row or its marker |
 * | `configs <namespace>` | all configurations of a namespace | that of its newest row or its marker |
 * | `config-work <namespace>` | drafts and proposals of a namespace | that of its newest row or its marker |
 * | `config-environments` | the rules of all environments | that of its newest row or its marker |
 */

import { configKey } from './keys.ts';
import type { ConfigRef } from './rows.ts';

/** The view of one configuration is named like its record. */
export const configView = (ref: ConfigRef) => configKey(ref);
export const configsView = (namespace: string) => `configs\0${namespace}`;
export const configWorkView = (namespace: string) => `config-work\0${namespace}`;
export const configEnvironmentsView = () => 'config-environments';
