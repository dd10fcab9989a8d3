package conformance;

import com.ctrip.framework.apollo.Config;
import com.ctrip.framework.apollo.ConfigFile;
import com.ctrip.framework.apollo.ConfigService;
import com.ctrip.framework.apollo.core.enums.ConfigFileFormat;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Reads configurations with Apollo's client, and tells over HTTP what it has read and which changes it was told of. */
public final class Client {
  private static final Map<String, CopyOnWriteArrayList<String>> CHANGES = new ConcurrentHashMap<>();

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])), 0);
    server.createContext("/", exchange -> {
      String answer;
      int status = 200;
      try {
        answer = answer(exchange.getRequestURI());
      } catch (Exception error) {
        answer = error.toString();
        status = 500;
      }
      byte[] body = answer.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    server.start();
  }

  private static String answer(URI uri) {
    Map<String, String> query = uri.getRawQuery() == null ? Map.of() : Stream.of(uri.getRawQuery().split("&")).map(pair -> pair.split("=", 2)).collect(Collectors.toMap(pair -> pair[0], pair -> URLDecoder.decode(pair[1], StandardCharsets.UTF_8)));
    String namespace = query.getOrDefault("namespace", "application");
    return switch (uri.getPath()) {
      case "/value" -> config(namespace).getProperty(query.get("key"), "(none)");
      case "/names" -> config(namespace).getPropertyNames().stream().sorted().collect(Collectors.joining("\n"));
      case "/source" -> config(namespace).getSourceType().name();
      case "/changes" -> String.join("\n", CHANGES.getOrDefault(namespace, new CopyOnWriteArrayList<>()));
      case "/file" -> {
        ConfigFile file = ConfigService.getConfigFile(namespace, ConfigFileFormat.fromString(query.get("format")));
        yield file.hasContent() ? file.getContent() : "(none)";
      }
      default -> "ready";
    };
  }

  private static Config config(String namespace) {
    Config config = ConfigService.getConfig(namespace);
    CHANGES.computeIfAbsent(namespace, name -> {
      CopyOnWriteArrayList<String> seen = new CopyOnWriteArrayList<>();
      config.addChangeListener(event -> event.changedKeys().stream().sorted().forEach(key -> seen.add(key + ": " + event.getChange(key).getOldValue() + " -> " + event.getChange(key).getNewValue() + " " + event.getChange(key).getChangeType())));
      return seen;
    });
    return config;
  }

  private Client() {}
}
