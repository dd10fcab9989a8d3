/** Requests and responses of both variants, and of load reports, from bytes and to bytes. */

import type { DeltaRequest } from '../ads/delta.ts';
import type { News } from '../ads/shelf.ts';
import type { SotwRequest } from '../ads/sotw.ts';
import type { Resource } from '../resources/resource.ts';
import { decode, encode } from './any.ts';

/** What a client says of itself; empty texts when it does not. */
export interface NodeInfo {
  readonly id: string;
  /** `envoy`, `gRPC Go` … */
  readonly agent: string;
  readonly region: string;
  readonly zone: string;
  /** Texts and numbers of its metadata. */
  readonly metadata: ReadonlyMap<string, string>;
}

interface WireNode {
  readonly id?: string;
  readonly user_agent_name?: string;
  readonly locality?: { readonly region?: string; readonly zone?: string } | null;
  readonly metadata?: { readonly fields?: Readonly<Record<string, { readonly string_value?: string; readonly number_value?: number }>> } | null;
}

interface WireRequest {
  readonly node?: WireNode | null;
  readonly type_url?: string;
  readonly response_nonce?: string;
  readonly error_detail?: { readonly message?: string } | null;
}

interface WireSotwRequest extends WireRequest {
  readonly version_info?: string;
  readonly resource_names?: readonly string[];
}

interface WireDeltaRequest extends WireRequest {
  readonly resource_names_subscribe?: readonly string[];
  readonly resource_names_unsubscribe?: readonly string[];
  readonly initial_resource_versions?: Readonly<Record<string, string>>;
}

interface Addressed {
  readonly typeUrl: string;
  readonly node: NodeInfo | undefined;
}

/** @throws Error when the bytes are no request */
export function decodeSotwRequest(bytes: Buffer): SotwRequest & Addressed {
  const request = decode('DiscoveryRequest', bytes) as WireSotwRequest;
  return { ...common(request), versionInfo: request.version_info ?? '', names: request.resource_names ?? [] };
}

/** @throws Error when the bytes are no request */
export function decodeDeltaRequest(bytes: Buffer): DeltaRequest & Addressed {
  const request = decode('DeltaDiscoveryRequest', bytes) as WireDeltaRequest;
  return {
    ...common(request),
    subscribe: request.resource_names_subscribe ?? [],
    unsubscribe: request.resource_names_unsubscribe ?? [],
    initialVersions: new Map(Object.entries(request.initial_resource_versions ?? {})),
  };
}

function common({ node, type_url, response_nonce, error_detail }: WireRequest): Addressed & Pick<SotwRequest, 'nonce' | 'error'> {
  return {
    typeUrl: type_url ?? '',
    node: readNode(node),
    nonce: response_nonce ?? '',
    error: error_detail === undefined || error_detail === null ? undefined : (error_detail.message ?? ''),
  };
}

/** Only the first request of a stream must have it. */
export function readNode(node: WireNode | null | undefined): NodeInfo | undefined {
  if (node === undefined || node === null) return undefined;
  // A message has fields that were not sent as well, on its prototype.
  const metadata = Object.entries(node.metadata?.fields ?? {}).flatMap(([name, value]) => {
    const kind = (['string_value', 'number_value'] as const).find((each) => Object.hasOwn(value, each));
    return kind === undefined ? [] : [[name, `${value[kind]}`] as const];
  });
  return {
    ...{ id: node.id ?? '', agent: node.user_agent_name ?? '', metadata: new Map(metadata) },
    ...{ region: node.locality?.region ?? '', zone: node.locality?.zone ?? '' },
  };
}

export interface Response {
  readonly typeUrl: string;
  readonly news: News;
  /** Of all resources of the type, for people. */
  readonly version: string;
  /** Name of this server. */
  readonly node: string;
}

export function encodeSotwResponse({ typeUrl, news, version, node }: Response): Buffer {
  const rest = encode('DiscoveryResponse', { version_info: version, type_url: typeUrl, nonce: news.nonce, control_plane: { identifier: node } });
  return Buffer.concat([...resourcesOf(news, (resource) => resource.sotw), rest]);
}

export function encodeDeltaResponse({ typeUrl, news, version, node }: Response): Buffer {
  const labels = { system_version_info: version, type_url: typeUrl, nonce: news.nonce, control_plane: { identifier: node } };
  const rest = encode('DeltaDiscoveryResponse', { ...labels, removed_resources: news.removed });
  return Buffer.concat([...resourcesOf(news, (resource) => resource.delta), rest]);
}

function resourcesOf({ resources }: News, form: (resource: Resource) => Buffer): Buffer[] {
  return Array.from(resources, form);
}
