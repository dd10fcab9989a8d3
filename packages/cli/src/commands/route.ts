/** `rollcall route`: the commands about routes, the rules for the requests to a service. */

import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addRouteDelete } from './route-delete.ts';
import { addRouteGet } from './route-get.ts';
import { addRouteList } from './route-list.ts';
import { addRouteSet } from './route-set.ts';
import { addRouteWatch } from './route-watch.ts';

export function addRoute(parent: Command, context: CommandContext): void {
  const route = parent.command('route').description('set and follow routes: canaries, time-outs, retries and limits of the requests to a service');
  addRouteSet(route, context);
  addRouteGet(route, context);
  addRouteList(route, context);
  addRouteDelete(route, context);
  addRouteWatch(route, context);
}
