/**
 * The messages of xDS that this server sends or reads, with the fields that it uses: names and numbers of Envoy's API (v3, `envoy/service/
 * discovery/v3`, `envoy/config/…`). A reader of protobuf skips fields that it does not know, so messages of clients may have more.
 * It knows what no message means.
 */

import protobuf from 'protobufjs';

const proto = `
syntax = "proto3";

message Any { string type_url = 1; bytes value = 2; }
message Duration { int64 seconds = 1; int32 nanos = 2; }
message UInt32Value { uint32 value = 1; }
message Empty {}
message Percent { double value = 1; }
message Status { int32 code = 1; string message = 2; }
message ListValue { repeated Value values = 1; }
message Struct { map<string, Value> fields = 1; }
message Value { oneof kind { double number_value = 2; string string_value = 3; ListValue list_value = 6; } }

message Locality { string region = 1; string zone = 2; string sub_zone = 3; }
message Node { string id = 1; string cluster = 2; Struct metadata = 3; Locality locality = 4; string user_agent_name = 6; string user_agent_version = 7; }

message DiscoveryRequest {
  string version_info = 1; Node node = 2; repeated string resource_names = 3; string type_url = 4; string response_nonce = 5; Status error_detail = 6;
}
message DeltaDiscoveryRequest {
  Node node = 1; string type_url = 2; repeated string resource_names_subscribe = 3; repeated string resource_names_unsubscribe = 4;
  map<string, string> initial_resource_versions = 5; string response_nonce = 6; Status error_detail = 7;
}
message ControlPlane { string identifier = 1; }
message DiscoveryResponse {
  string version_info = 1; repeated Any resources = 2; string type_url = 4; string nonce = 5; ControlPlane control_plane = 6;
}
message Resource { string version = 1; Any resource = 2; string name = 3; }
message DeltaDiscoveryResponse {
  string system_version_info = 1; repeated Resource resources = 2; string type_url = 4; string nonce = 5; repeated string removed_resources = 6;
  ControlPlane control_plane = 7;
}

message LoadStatsRequest { Node node = 1; repeated ClusterStats cluster_stats = 2; }
message LoadStatsResponse { Duration load_reporting_interval = 2; bool send_all_clusters = 4; }
message ClusterStats { string cluster_name = 1; repeated UpstreamLocalityStats upstream_locality_stats = 2; uint64 total_dropped_requests = 3; }
message UpstreamLocalityStats { Locality locality = 1; uint64 total_successful_requests = 2; uint64 total_requests_in_progress = 3; uint64 total_error_requests = 4; }

message ConfigSource { Empty ads = 3; Empty self = 5; int32 resource_api_version = 6; }

message Listener { string name = 1; ApiListener api_listener = 19; }
message ApiListener { Any api_listener = 1; }
message HttpConnectionManager { string stat_prefix = 2; Rds rds = 3; repeated HttpFilter http_filters = 5; }
message Rds { ConfigSource config_source = 1; string route_config_name = 2; }
message HttpFilter { string name = 1; Any typed_config = 4; }

message RouteConfiguration { string name = 1; repeated VirtualHost virtual_hosts = 2; }
message VirtualHost { string name = 1; repeated string domains = 2; repeated Route routes = 3; }
message Route { RouteMatch match = 1; RouteAction route = 2; string name = 14; }
message StringMatcher { oneof match_pattern { string exact = 1; RegexMatcher safe_regex = 5; } }
message RegexMatcher { string regex = 2; }
message HeaderMatcher { string name = 1; StringMatcher string_match = 13; }
message RouteMatch { string prefix = 1; repeated HeaderMatcher headers = 6; }
message RouteAction {
  oneof cluster_specifier { string cluster = 1; WeightedCluster weighted_clusters = 3; }
  Duration timeout = 8; RetryPolicy retry_policy = 9; repeated HashPolicy hash_policy = 15; MaxStreamDuration max_stream_duration = 36;
}
message WeightedCluster { repeated ClusterWeight clusters = 1; }
message ClusterWeight { string name = 1; UInt32Value weight = 2; }
message MaxStreamDuration { Duration max_stream_duration = 1; }
message RetryPolicy {
  string retry_on = 1; UInt32Value num_retries = 2; Duration per_try_timeout = 3; repeated RetryHostPredicate retry_host_predicate = 5;
  int64 host_selection_retry_max_attempts = 6;
}
message RetryHostPredicate { string name = 1; Any typed_config = 3; }
message HashPolicy { HashHeader header = 1; }
message HashHeader { string header_name = 1; }

message Cluster {
  string name = 1; int32 type = 2; EdsClusterConfig eds_cluster_config = 3; Duration connect_timeout = 4; int32 lb_policy = 6;
  CircuitBreakers circuit_breakers = 10; OutlierDetection outlier_detection = 19; CommonLbConfig common_lb_config = 27;
  map<string, Any> typed_extension_protocol_options = 36; ConfigSource lrs_server = 42; RoundRobinLbConfig round_robin_lb_config = 56;
}
message EdsClusterConfig { ConfigSource eds_config = 1; }
message CommonLbConfig { Percent healthy_panic_threshold = 1; Empty locality_weighted_lb_config = 3; }
message RoundRobinLbConfig { SlowStartConfig slow_start_config = 1; }
message SlowStartConfig { Duration slow_start_window = 1; RuntimeDouble aggression = 2; Percent min_weight_percent = 3; }
message RuntimeDouble { double default_value = 1; string runtime_key = 2; }
message CircuitBreakers { repeated Thresholds thresholds = 1; repeated Thresholds per_host_thresholds = 2; }
message Thresholds { UInt32Value max_connections = 2; UInt32Value max_pending_requests = 3; UInt32Value max_requests = 4; RetryBudget retry_budget = 8; }
message RetryBudget { Percent budget_percent = 1; UInt32Value min_retry_concurrency = 2; }
message OutlierDetection {
  UInt32Value consecutive_5xx = 1; Duration interval = 2; Duration base_ejection_time = 3; UInt32Value max_ejection_percent = 4;
  UInt32Value enforcing_consecutive_5xx = 5; UInt32Value enforcing_success_rate = 6; UInt32Value success_rate_minimum_hosts = 7;
  UInt32Value success_rate_request_volume = 8; UInt32Value success_rate_stdev_factor = 9; UInt32Value failure_percentage_threshold = 16;
  UInt32Value enforcing_failure_percentage = 17; UInt32Value failure_percentage_minimum_hosts = 19; UInt32Value failure_percentage_request_volume = 20;
  Duration max_ejection_time = 21;
}
message HttpProtocolOptions { UseDownstreamHttpConfig use_downstream_protocol_config = 4; }
message UseDownstreamHttpConfig { Empty http_protocol_options = 1; Empty http2_protocol_options = 2; }

message ClusterLoadAssignment { string cluster_name = 1; repeated LocalityLbEndpoints endpoints = 2; }
message LocalityLbEndpoints { Locality locality = 1; repeated LbEndpoint lb_endpoints = 2; UInt32Value load_balancing_weight = 3; uint32 priority = 5; }
message LbEndpoint { Endpoint endpoint = 1; int32 health_status = 2; Metadata metadata = 3; UInt32Value load_balancing_weight = 4; }
message Endpoint { Address address = 1; }
message Address { SocketAddress socket_address = 1; }
message SocketAddress { string address = 2; uint32 port_value = 3; }
message Metadata { map<string, Struct> filter_metadata = 1; }
`;

export const schema = protobuf.parse(proto, { keepCase: true }).root;

/** The methods of the two services. */
export const paths = {
  sotw: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
  delta: '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',
  load: '/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats',
} as const;
