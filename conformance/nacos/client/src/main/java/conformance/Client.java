package conformance;

import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.config.ConfigFactory;
import com.alibaba.nacos.api.config.ConfigService;
import com.alibaba.nacos.api.config.listener.AbstractListener;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.listener.AbstractFuzzyWatchEventWatcher;
import com.alibaba.nacos.api.naming.listener.FuzzyWatchChangeEvent;
import com.alibaba.nacos.api.naming.listener.NamingEvent;
import com.alibaba.nacos.api.naming.pojo.Instance;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/**
 * The unmodified Nacos client. Arguments: its own HTTP port, the address of the server, a folder for its files, and any further
 * properties of the client as {@code key=value}. Lists are answered as lines.
 */
public class Client {
  private static final String GROUP = "DEFAULT_GROUP";
  private final NamingService naming;
  private final ConfigService config;
  /** The newest list that a listener of a service was called with. */
  private final Map<String, List<String>> seen = new ConcurrentHashMap<>();
  /** Calls of listeners, in order. */
  private final Map<String, List<String>> heard = new ConcurrentHashMap<>();
  private final Map<String, TreeSet<String>> matched = new ConcurrentHashMap<>();

  private Client(Properties properties) throws Exception {
    naming = NacosFactory.createNamingService(properties);
    config = ConfigFactory.createConfigService(properties);
  }

  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.put("serverAddr", args[1]);
    System.setProperty("JM.SNAPSHOT.PATH", args[2]);
    System.setProperty("JM.LOG.PATH", args[2]);
    for (String each : Arrays.asList(args).subList(3, args.length)) properties.put(each.split("=", 2)[0], each.split("=", 2)[1]);
    Client client = new Client(properties);
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])), 0);
    server.setExecutor(Executors.newFixedThreadPool(4));
    server.createContext("/", exchange -> {
      try {
        answer(exchange, 200, client.run(exchange.getRequestURI().getPath(), parameters(exchange)));
      } catch (Exception e) {
        answer(exchange, 500, e.toString());
      }
    });
    server.start();
  }

  private String run(String path, Map<String, String> p) throws Exception {
    String service = p.get("service");
    switch (path) {
      case "/ready":
        return naming.getServerStatus();
      case "/register":
        naming.registerInstance(service, GROUP, instance(p));
        return "ok";
      case "/deregister":
        naming.deregisterInstance(service, GROUP, instance(p));
        return "ok";
      case "/batch": {
        List<Instance> instances = new ArrayList<>();
        for (String port : p.get("ports").split(",")) instances.add(instance(Map.of("port", port)));
        naming.batchRegisterInstance(service, GROUP, instances);
        return "ok";
      }
      case "/subscribe":
        naming.subscribe(service, GROUP, event -> seen.put(service, lines(((NamingEvent) event).getInstances())));
        return "ok";
      case "/seen":
        return String.join("\n", seen.getOrDefault(service, List.of("nothing")));
      case "/all":
        return String.join("\n", lines(naming.getAllInstances(service, GROUP, false)));
      case "/services":
        return String.join("\n", naming.getServicesOfServer(1, 100, GROUP).getData());
      case "/fuzzy":
        naming.fuzzyWatch(p.get("pattern"), GROUP, new AbstractFuzzyWatchEventWatcher() {
          @Override
          public void onEvent(FuzzyWatchChangeEvent event) {
            TreeSet<String> names = matched.computeIfAbsent(p.get("pattern"), key -> new TreeSet<>());
            synchronized (names) {
              if (event.getChangeType().equals("ADD_SERVICE")) names.add(event.getServiceName());
              else names.remove(event.getServiceName());
            }
          }
        });
        return "ok";
      case "/matched": {
        TreeSet<String> names = matched.getOrDefault(p.get("pattern"), new TreeSet<>());
        synchronized (names) {
          return String.join("\n", names);
        }
      }
      case "/publish":
        return String.valueOf(config.publishConfig(p.get("id"), GROUP, p.get("content"), "text"));
      case "/publish-cas":
        return String.valueOf(config.publishConfigCas(p.get("id"), GROUP, p.get("content"), p.get("cas"), "text"));
      case "/get":
        return String.valueOf(config.getConfig(p.get("id"), GROUP, 3_000));
      case "/remove":
        return String.valueOf(config.removeConfig(p.get("id"), GROUP));
      case "/listen":
        config.addListener(p.get("id"), GROUP, new AbstractListener() {
          @Override
          public void receiveConfigInfo(String content) {
            heard.computeIfAbsent(p.get("id"), key -> new ArrayList<>()).add(String.valueOf(content));
          }
        });
        return "ok";
      case "/heard":
        return String.join("\n", heard.getOrDefault(p.get("id"), List.of()));
      default:
        throw new IllegalArgumentException(path);
    }
  }

  private static Instance instance(Map<String, String> p) {
    Instance instance = new Instance();
    instance.setIp(p.getOrDefault("ip", "10.0.0.1"));
    instance.setPort(Integer.parseInt(p.get("port")));
    instance.setEphemeral(!p.getOrDefault("ephemeral", "true").equals("false"));
    if (p.containsKey("zone")) instance.addMetadata("zone", p.get("zone"));
    return instance;
  }

  private static List<String> lines(List<Instance> instances) {
    return instances.stream().map(each -> each.getIp() + ":" + each.getPort() + " " + (each.isHealthy() ? "healthy" : "unhealthy")).sorted().collect(Collectors.toList());
  }

  private static Map<String, String> parameters(HttpExchange exchange) {
    Map<String, String> parameters = new HashMap<>();
    String query = exchange.getRequestURI().getRawQuery();
    if (query == null) return parameters;
    for (String pair : query.split("&")) {
      String[] parts = pair.split("=", 2);
      parameters.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
    }
    return parameters;
  }

  private static void answer(HttpExchange exchange, int status, String text) throws java.io.IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }
}
