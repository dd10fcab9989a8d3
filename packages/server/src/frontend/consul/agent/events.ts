/**
 * `/v1/event/`: user events, small messages to every agent that a filter selects. Consul gossips them;
 * here they are records of the store, so all servers have the same events in the same order.
 *
 * The filter is applied when an agent lists events.
 *
 * Events are in no namespace, also in Consul Enterprise: their endpoints take none, and the filter by service looks at the agent's
 * services in `default` (`agent/user_event.go` of Consul: "this only works in the default partition and default namespace").
 */

import { defaultNamespace, isRegistryError } from '@rollcall/protocol';
import { Pattern, type Steps } from '../../../filter/pattern.ts';
import type { AgentNode } from '../../../net/agent-node.ts';
import { readBody } from '../../../net/body.ts';
import { order } from '../../../net/slices.ts';
import { instancesOnNode } from '../../../registry/kind/catalog/find.ts';
import { nodeView } from '../../../registry/kind/catalog/views.ts';
import { recordsOfType } from '../../../registry/kind/record/find.ts';
import { recordsView } from '../../../registry/kind/record/views.ts';
import type { Reader } from '../../../registry/reader.ts';
import { noNamespace, type Json } from '../../../registry/row.ts';
import type { Call } from '../request/call.ts';
import { endpoint } from '../request/endpoint.ts';
import { permission } from '../request/permission.ts';
import { formOf, jsonBody, type Query, restOf } from '../request/query.ts';
import { agentOf } from '../request/virtual-agent.ts';
import type { VisibilityFilter } from '../request/visibility-filter.ts';
import { invalid } from '../wire/errors.ts';
import { vetName } from '../wire/vetting.ts';

/** Type of the records. */
const recordType = 'consul-event';

/** Consul's limits (`agent/user_event.go`: the size of its ring; `serf.UserEventSizeLimit`). */
const eventsMax = 256;
const payloadBytesMax = 512;

/**
 * Most steps (`filter/pattern.ts`) for the filters of one event, and for those of all events of a list: at
 * most 15 ms. An event whose filters would take more selects no agent; the newest events are filtered first.
 */
const eventStepsMax = 30_000;
const listStepsMax = 600_000;

interface Event {
  readonly ID: string;
  readonly Name: string;
  readonly Payload: string | null;
  readonly NodeFilter: string;
  readonly ServiceFilter: string;
  readonly TagFilter: string;
  readonly Version: number;
  readonly LTime: number;
}

interface Firing {
  readonly name: string;
  readonly payload: Buffer;
  readonly node: string;
  readonly service: string;
  readonly tag: string;
}

/** `PUT /v1/event/fire/:name?node=&service=&tag=` */
export const fire = endpoint({
  decode: async (incoming): Promise<Firing> => {
    const { exchange, limits, params } = incoming;
    const name = vetName(restOf(incoming, 'name'), 'event name');
    const payload = await readBody(exchange.request, limits.bodyBytesMax);
    if (payload.length > payloadBytesMax) {
      throw invalid(`user event exceeds configured limit of ${payloadBytesMax} bytes before encoding`);
    }
    const [node, service, tag] = [params.get('node'), params.get('service'), params.get('tag')];
    if (tag !== '' && service === '') throw invalid('Cannot provide tag filter without service filter');
    checkPattern(node, 'node');
    checkPattern(service, 'service');
    checkPattern(tag, 'tag');
    return { name, payload, node, service, tag };
  },
  permissions: ({ name }) => [permission('event', 'write', name)],
  answer: async ({ name, payload, node, service, tag }, { context, params }) => {
    const { registry } = context;
    const event: Event = {
      ID: context.uuid(),
      Name: name,
      Payload: payload.length === 0 ? null : payload.toString('base64'),
      NodeFilter: node,
      ServiceFilter: service,
      TagFilter: tag,
      Version: 1,
      LTime: (events(registry.state).at(-1)?.LTime ?? 0) + 1,
    };
    await registry.submit({ kind: 'record-put', namespace: noNamespace, type: recordType, id: event.ID, value: { ...event } });
    for (const { ID } of events(registry.state).slice(0, -eventsMax)) {
      await registry.submit({ kind: 'record-delete', namespace: noNamespace, type: recordType, id: ID });
    }
    return jsonBody(params)(event);
  },
});

/** `GET /v1/event/list?name=` */
export function list(call: Call): Query {
  const { context, exchange, params } = call;
  const agent = agentOf(exchange.request, context.identity);
  const wanted = params.get('name');
  const body = jsonBody(params);
  const heard = (state: Reader, visible: VisibilityFilter) => {
    const filter = new EventFilter(state, agent);
    return events(state)
      .toReversed()
      .filter(
        (event) =>
          (wanted === '' || event.Name === wanted) && visible.includes('event', event.Name) && filter.selects(event),
      )
      .toReversed();
  };
  return {
    view: recordsView(noNamespace, recordType),
    // The services of an agent also decide which events it gets.
    others: [nodeView(defaultNamespace, agent.name)],
    name: `${formOf(call)} events of ${agent.name} ${JSON.stringify(vetName(wanted, 'event name'))}`,
    filtered: true,
    shows: ['event'],
    token: {
      param: 'index',
      header: 'X-Consul-Index',
      of: (state, visible) => indexOf(heard(state, visible).at(-1)?.ID),
    },
    encode: (state, visible) => body(heard(state, visible)),
  };
}

/** All events, from the oldest to the newest. */
function events(state: Reader): Event[] {
  return Array.from(recordsOfType(state, noNamespace, recordType), ({ value }) => value as Json & Event).sort(
    (a, b) => a.LTime - b.LTime || order(a.ID, b.ID),
  );
}

/** The two halves of the newest event's id, one XOR the other: `IDToIndex` of Consul's `api/event.go`. */
function indexOf(id: string | undefined): string {
  if (id === undefined) return '1';
  const bits = BigInt(`0x${id.replaceAll('-', '')}`);
  return String((bits >> 64n) ^ (bits & 0xffff_ffff_ffff_ffffn));
}

/** Decides which events an agent gets. Create one for each list: it counts the steps of the list. */
class EventFilter {
  readonly #state: Reader;
  readonly #agent: AgentNode;
  readonly #patterns = new Map<string, Pattern>();
  #left = listStepsMax;

  constructor(state: Reader, agent: AgentNode) {
    this.#state = state;
    this.#agent = agent;
  }

  selects(event: Event): boolean {
    const given = Math.min(eventStepsMax, this.#left);
    const steps = { left: given };
    try {
      return this.#matches(event, steps);
    } catch (error) {
      if (isRegistryError(error)) return false;
      throw error;
    } finally {
      this.#left -= given - Math.max(0, steps.left);
    }
  }

  #matches({ NodeFilter, ServiceFilter, TagFilter }: Event, steps: Steps): boolean {
    if (!this.#test(NodeFilter, this.#agent.name, steps)) return false;
    if (ServiceFilter === '') return true;
    for (const { service, tags } of instancesOnNode(this.#state, defaultNamespace, this.#agent.name)) {
      if (--steps.left < 0) return false;
      if (!this.#test(ServiceFilter, service, steps)) continue;
      if (TagFilter === '' || tags.some((tag) => this.#test(TagFilter, tag, steps))) return true;
    }
    return false;
  }

  #test(source: string, text: string, steps: Steps): boolean {
    if (source === '') return true;
    let pattern = this.#patterns.get(source);
    if (pattern === undefined) this.#patterns.set(source, (pattern = new Pattern(source, steps)));
    return pattern.test(text, steps);
  }
}

function checkPattern(pattern: string, what: string): void {
  try {
    void new Pattern(vetName(pattern, 'filter'));
  } catch (error) {
    throw invalid(`Invalid ${what} filter: ${error instanceof Error ? error.message : String(error)}`);
  }
}
