/** `rollcall config`: the commands about configurations. */

import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addConfigApply, addConfigPlan } from './config-apply.ts';
import { addConfigApprove } from './config-approve.ts';
import { addConfigDelete } from './config-delete.ts';
import { addConfigDiff } from './config-diff.ts';
import { addConfigEnvironment } from './config-environment.ts';
import { addConfigExport } from './config-export.ts';
import { addConfigGet } from './config-get.ts';
import { addConfigHistory } from './config-history.ts';
import { addConfigList } from './config-list.ts';
import { addConfigImport } from './config-import.ts';
import { addConfigOldKeys } from './config-old-keys.ts';
import { addConfigPublish } from './config-publish.ts';
import { addConfigRollback } from './config-rollback.ts';
import { addConfigRollout } from './config-rollout.ts';
import { addConfigSet } from './config-set.ts';
import { addConfigSettings } from './config-settings.ts';
import { addConfigWho } from './config-who.ts';

export function addConfig(parent: Command, context: CommandContext): void {
  const config = parent.command('config').description('edit, publish and follow configurations');
  addConfigList(config, context);
  addConfigGet(config, context);
  addConfigSet(config, context);
  addConfigDiff(config, context);
  addConfigPublish(config, context);
  addConfigApprove(config, context);
  addConfigRollout(config, context);
  addConfigRollback(config, context);
  addConfigDelete(config, context);
  addConfigHistory(config, context);
  addConfigWho(config, context);
  addConfigSettings(config, context);
  addConfigEnvironment(config, context);
  addConfigOldKeys(config, context);
  addConfigPlan(config, context);
  addConfigApply(config, context);
  addConfigExport(config, context);
  addConfigImport(config, context);
}
