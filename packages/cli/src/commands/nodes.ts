/** `rollcall nodes`: lists the nodes of the catalog. */

import { Option, type Command } from 'commander';
import { askJson, namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { filterOption, filterQuery } from '../filter.ts';
import { collectPair } from '../option-values.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { printJson, remark } from '../terminal.ts';

interface NodesFlags extends RegistryFlags {
  readonly detailed?: true;
  readonly filter?: string;
  readonly json?: true;
  readonly near?: string;
  readonly nodeMeta: Readonly<Record<string, string>>;
  readonly service?: string;
}

type Texts = Readonly<Record<string, string>>;

/** As `/v1/catalog/nodes` gives it. */
interface Node {
  readonly ID: string;
  readonly Node: string;
  readonly Address: string;
  readonly Datacenter: string;
  readonly TaggedAddresses: Texts | null;
  readonly Meta: Texts | null;
}

/** As `/v1/catalog/service/NAME` gives the node of an instance. */
type Placed = Omit<Node, 'Meta'> & { readonly NodeMeta: Texts | null };

export function addNodes(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('nodes')
    .description('list the nodes that services run on')
    .option('--detailed', 'show whole ids, tagged addresses and meta')
    .option('--service <name>', 'only those with an instance of this service')
    .addOption(new Option('--node-meta <key=value>', 'only those with this meta entry; may be repeated').argParser(collectPair).default({}, 'none'))
    .addOption(filterOption())
    .option('--near <node>', 'the nearest to this node first, by network coordinates')
    .option('--json', 'print an array of nodes, as /v1/catalog/nodes gives them');
  addExamples(
    addNamespacedOptions(command),
    'rollcall nodes',
    'rollcall nodes --service web --json',
    'rollcall nodes --node-meta rack=r1 --detailed',
  );
  command.action(async ({ detailed, filter, json, near, nodeMeta, service, ...flags }: NodesFlags) => {
    const target = await namespacedTargetOf(flags, terminal);
    const query = await filterQuery(filter, terminal);
    for (const [key, value] of Object.entries(nodeMeta)) query.append('node-meta', `${key}:${value}`);
    if (near !== undefined) query.set('near', near);
    const nodes =
      service === undefined
        ? await askJson<Node[]>(target, `/v1/catalog/nodes?${query.toString()}`)
        : nodesOf(await askJson<Placed[]>(target, `/v1/catalog/service/${encodeURIComponent(service)}?${query.toString()}`));
    if (json === true) printJson(terminal, nodes);
    else if (nodes.length === 0) remark(terminal, 'no node matches');
    else if (detailed === true) {
      printTable(terminal, ['NODE', 'ID', 'ADDRESS', 'DC', 'TAGGED ADDRESSES', 'META'], nodes.map(detailedRow));
    } else printTable(terminal, ['NODE', 'ID', 'ADDRESS', 'DC'], nodes.map(row));
  });
}

/** Each node once, in the order of the answer. */
function nodesOf(instances: readonly Placed[]): Node[] {
  const nodes = new Map<string, Node>();
  for (const { ID, Node: name, Address, Datacenter, TaggedAddresses, NodeMeta } of instances) {
    nodes.set(name, { ID, Node: name, Address, Datacenter, TaggedAddresses, Meta: NodeMeta });
  }
  return [...nodes.values()];
}

function row({ Node: name, ID, Address, Datacenter }: Node): string[] {
  return [name, ID.slice(0, 8), Address, Datacenter];
}

function detailedRow({ Node: name, ID, Address, Datacenter, TaggedAddresses, Meta }: Node): string[] {
  return [name, ID, Address, Datacenter, pairs(TaggedAddresses), pairs(Meta)];
}

function pairs(texts: Texts | null): string {
  const sorted = Object.entries(texts ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([key, value]) => `${key}=${value}`).join(', ');
}
