package conformance;

import static conformance.Programs.attempt;
import static conformance.Programs.say;
import static conformance.Programs.until;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;
import org.apache.curator.x.discovery.ServiceType;
import org.apache.curator.x.discovery.UriSpec;
import org.apache.curator.x.discovery.details.ServiceCacheListener;
import org.apache.zookeeper.data.Stat;

/** Service discovery with Curator. */
class Discovery {
  /** A payload, as an application has one. */
  public static class Payload {
    public Map<String, String> metadata = new TreeMap<>();
  }

  static void discovery(Programs programs) throws Exception {
    CuratorFramework owner = programs.client();
    CuratorFramework reader = programs.client();
    ServiceDiscovery<Payload> registering = on(owner);
    ServiceDiscovery<Payload> looking = on(reader);
    attempt("no service yet", () -> looking.queryForNames());
    attempt("none of its instances", () -> looking.queryForInstances("web"));
    ServiceCache<Payload> cache = looking.serviceCacheBuilder().name("web").build();
    cache.start();
    Heard changes = new Heard();
    cache.addListener(new ServiceCacheListener() {
      @Override
      public void cacheChanged() {
        changes.add("changed");
      }

      @Override
      public void stateChanged(CuratorFramework client, org.apache.curator.framework.state.ConnectionState state) {}
    });
    ServiceInstance<Payload> one = instance("i1", 8080, ServiceType.DYNAMIC);
    ServiceInstance<Payload> two = instance("i2", 8081, ServiceType.DYNAMIC);
    registering.registerService(one);
    registering.registerService(two);
    registering.registerService(instance("i3", 8082, ServiceType.PERMANENT));
    until("all are in the cache", () -> cache.getInstances().size() == 3);
    for (ServiceInstance<Payload> each : sorted(cache.getInstances())) say("cached", shown(each));
    attempt("names", () -> looking.queryForNames());
    attempt("one of them", () -> shown(looking.queryForInstance("web", "i1")));
    attempt("a missing one", () -> looking.queryForInstance("web", "none"));
    one.getPayload().metadata.put("weight", "5");
    registering.updateService(one);
    until("the update is in the cache", () -> cache.getInstances().stream().anyMatch((each) -> "5".equals(each.getPayload().metadata.get("weight"))));
    attempt("what was written is read", () -> new String(reader.getData().forPath("/services/web/i1")).equals(new String(new org.apache.curator.x.discovery.details.JsonInstanceSerializer<>(Payload.class).serialize(one))));
    // An application that starts again while its old node is there deletes and creates it.
    registering.registerService(two);
    until("it is there again", () -> cache.getInstances().size() == 3);
    ServiceProvider<Payload> provider = looking.serviceProviderBuilder().serviceName("web").build();
    provider.start();
    List<String> seen = new ArrayList<>();
    for (int at = 0; at < 6; at++) seen.add(provider.getInstance().getId());
    say("round robin over", seen.stream().sorted().toList());
    registering.unregisterService(two);
    until("it is gone", () -> cache.getInstances().size() == 2);
    long before = Math.max(createdAt(reader, "/services/web/i1"), createdAt(reader, "/services/web/i3"));
    Basics.cut(owner.getZookeeperClient().getZooKeeper());
    // Curator deletes and creates each of its nodes when it is connected again.
    for (String id : List.of("i1", "i3")) until("registered again: " + id, () -> createdAt(reader, "/services/web/" + id) > before);
    attempt("after a cut", () -> sorted(looking.queryForInstances("web")).stream().map(ServiceInstance::getId).toList());
    owner.close();
    until("the dynamic one went with its session", () -> cache.getInstances().size() == 1);
    say("left", cache.getInstances().get(0).getId());
    reader.delete().forPath("/services/web/i3");
    until("all are gone", () -> cache.getInstances().isEmpty());
  }

  /** The zxid of the creation of a node; 0 while there is none. */
  private static long createdAt(CuratorFramework client, String path) {
    try {
      Stat stat = client.checkExists().forPath(path);
      return stat == null ? 0 : stat.getCzxid();
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }

  private static ServiceDiscovery<Payload> on(CuratorFramework client) throws Exception {
    ServiceDiscovery<Payload> made = ServiceDiscoveryBuilder.builder(Payload.class).client(client).basePath("/services").build();
    made.start();
    return made;
  }

  private static ServiceInstance<Payload> instance(String id, int port, ServiceType type) throws Exception {
    Payload payload = new Payload();
    payload.metadata.put("zone", "z1");
    return ServiceInstance.<Payload>builder().name("web").id(id).address("127.0.0.1").port(port).payload(payload).serviceType(type).registrationTimeUTC(1_700_000_000_000L).uriSpec(new UriSpec("{scheme}://{address}:{port}")).build();
  }

  private static List<ServiceInstance<Payload>> sorted(java.util.Collection<ServiceInstance<Payload>> all) {
    return all.stream().sorted((one, other) -> one.getId().compareTo(other.getId())).toList();
  }

  private static String shown(ServiceInstance<Payload> instance) {
    return instance.getId() + " " + instance.buildUriSpec() + " " + instance.getServiceType() + " " + instance.getPayload().metadata + " " + instance.getRegistrationTimeUTC();
  }
}
