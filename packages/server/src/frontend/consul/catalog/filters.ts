/**
 * `?filter=`: the selectors of each endpoint, and the filter of a request. The selectors
 * are those that Consul 1.16 accepts; the language: `filter/`.
 *
 * Filters see the objects of the answer, so a selector has the meaning that the client reads. Access control
 * leaves out rows before.
 */

import { createHash } from 'node:crypto';
import { isRegistryError } from '@rollcall/protocol';
import { compileQuery } from '../../../filter/filter.ts';
import { boolean, integer, list, map, struct, type StructShape, text } from '../../../filter/shape.ts';
import type { Pace } from '../../../net/turns.ts';
import { invalid } from '../wire/errors.ts';
import type { Params } from '../wire/params.ts';

export interface ReadFilter {
  /** Identifies the filter in the name of a representation; of bounded length, empty without a filter. */
  readonly name: string;
  /** Whether there is an expression. */
  readonly given: boolean;
  /**
   * Starts a pass over values. The steps of patterns are counted over the whole pass.
   * @param pace pays for the work
   * @returns whether a value matches. @throws RegistryError `invalid_argument` if its patterns are
   *   too expensive for these values
   */
  begin(pace: Pace): (value: object) => boolean;
}

const everything: ReadFilter = { name: '', given: false, begin: () => () => true };

/** The cost of a comparison, including those with lists of a hundred tags, and the steps of patterns in a unit of work. */
const unitsPerComparison = 0.5;
const stepsPerUnit = 32;

/** @throws RegistryError `invalid_argument`: `Failed to create boolean expression evaluator: …` */
export function readFilter(params: Params, shape: StructShape): ReadFilter {
  const expression = params.get('filter');
  if (expression === '') return everything;
  compileQuery(expression, shape);
  // Expressions may be long, so the names of cached answers have a digest.
  const digest = createHash('sha256').update(expression).digest('base64url');
  return {
    name: ` filter ${digest}`,
    given: true,
    begin: (pace) => {
      const { wants, comparisons, steps } = compileQuery(expression, shape);
      return (value) => {
        const before = steps();
        try {
          return wants(value);
        } catch (error) {
          if (isRegistryError(error, 'resource_exhausted')) throw invalid(error.message);
          throw error;
        } finally {
          pace.spend(comparisons * unitsPerComparison + (steps() - before) / stepsPerUnit);
        }
      };
    },
  };
}

/** The value, or undefined if the filter leaves it out. */
export function wanted<T extends object>(wants: (value: object) => boolean, value: T): T | undefined {
  return wants(value) ? value : undefined;
}

const gateway = struct({ Mode: text });

const proxy = struct({
  DestinationServiceName: text,
  DestinationServiceID: text,
  LocalServiceAddress: text,
  LocalServicePort: integer,
  LocalServiceSocketPath: text,
  Mode: text,
  MeshGateway: gateway,
  TransparentProxy: struct({ OutboundListenerPort: integer, DialedDirectly: boolean }),
  Upstreams: list(
    struct({
      DestinationType: text,
      DestinationNamespace: text,
      DestinationPeer: text,
      DestinationName: text,
      Datacenter: text,
      LocalBindAddress: text,
      LocalBindPort: integer,
      LocalBindSocketPath: text,
      MeshGateway: gateway,
    }),
  ),
  Expose: struct({
    Checks: boolean,
    Paths: list(
      struct({
        Path: text,
        ListenerPort: integer,
        LocalPathPort: integer,
        Protocol: text,
        ParsedFromCheck: boolean,
      }),
    ),
  }),
});

const taggedAddresses = map(struct({ Address: text, Port: integer }));
const weights = struct({ Passing: integer, Warning: integer });
const connect = struct({ Native: boolean });

export const nodeShape = struct({
  ID: text,
  Node: text,
  Address: text,
  Datacenter: text,
  TaggedAddresses: map(text),
  Meta: map(text),
  PeerName: text,
});

export const serviceShape = struct({
  Kind: text,
  ID: text,
  Service: text,
  Namespace: text,
  Tags: list(text),
  Address: text,
  TaggedAddresses: taggedAddresses,
  Meta: map(text),
  Port: integer,
  SocketPath: text,
  Weights: weights,
  EnableTagOverride: boolean,
  Proxy: proxy,
  Connect: connect,
  PeerName: text,
});

export const checkShape = struct({
  Node: text,
  CheckID: text,
  Name: text,
  Status: text,
  Notes: text,
  Output: text,
  ServiceID: text,
  ServiceName: text,
  ServiceTags: list(text),
  Namespace: text,
  Type: text,
  Interval: text,
  Timeout: text,
  ExposedPort: integer,
  PeerName: text,
});

/** An entry of `health/service`. */
export const healthServiceShape = struct({
  Node: nodeShape,
  Service: serviceShape,
  Checks: list(checkShape),
});

/** An entry of `catalog/service`; also used to count for `catalog/services`. */
export const catalogServiceShape = struct({
  ID: text,
  Node: text,
  Address: text,
  Datacenter: text,
  TaggedAddresses: map(text),
  NodeMeta: map(text),
  ServiceKind: text,
  ServiceID: text,
  ServiceName: text,
  ServiceTags: list(text),
  ServiceAddress: text,
  ServiceTaggedAddresses: taggedAddresses,
  ServiceWeights: weights,
  ServiceMeta: map(text),
  ServicePort: integer,
  ServiceSocketPath: text,
  ServiceEnableTagOverride: boolean,
  ServiceProxy: proxy,
  ServiceConnect: connect,
  Namespace: text,
  PeerName: text,
});

export const memberShape = struct({
  Name: text,
  // Go's `net.IP`, which go-bexpr sees as a list of bytes.
  Addr: list(struct({})),
  Port: integer,
  Tags: map(text),
  Status: integer,
  ProtocolMin: integer,
  ProtocolMax: integer,
  ProtocolCur: integer,
  DelegateMin: integer,
  DelegateMax: integer,
  DelegateCur: integer,
});
