package conformance;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.slf4j.LoggerFactory;

/**
 * Arguments: {@code provider} or {@code consumer}, the address of the registry, its register mode ({@code interface} or {@code instance}), an
 * HTTP port, and of a provider the port and its id. {@code /ask} of a consumer answers the id of the provider that it called.
 */
public class Application {
  public interface Greeter {
    String greet();
  }

  public static void main(String[] args) throws Exception {
    ((Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME)).setLevel(Level.ERROR);
    RegistryConfig registry = new RegistryConfig("zookeeper://" + args[1]);
    registry.setRegisterMode(args[2]);
    registry.setTimeout(10_000);
    registry.setParameters(new java.util.HashMap<>(java.util.Map.of("session", "4000", "blockUntilConnectedWait", "10000")));
    boolean provides = args[0].equals("provider");
    ApplicationConfig application = new ApplicationConfig(provides ? "greeter-provider" : "greeter-consumer");
    application.setQosEnable(false);
    DubboBootstrap bootstrap = DubboBootstrap.getInstance().application(application).registry(registry);
    Callable<String> ask;
    if (provides) {
      ServiceConfig<Greeter> service = new ServiceConfig<>();
      service.setInterface(Greeter.class);
      String id = args[5];
      service.setRef(() -> id);
      ProtocolConfig protocol = new ProtocolConfig("dubbo", Integer.parseInt(args[4]));
      protocol.setHost("127.0.0.1");
      bootstrap.protocol(protocol).service(service).start();
      ask = () -> id;
    } else {
      ReferenceConfig<Greeter> reference = new ReferenceConfig<>();
      reference.setInterface(Greeter.class);
      reference.setCheck(false);
      reference.setRetries(0);
      reference.setTimeout(3_000);
      if (args[2].equals("instance")) reference.setProvidedBy("greeter-provider");
      bootstrap.reference(reference).start();
      Greeter greeter = reference.get();
      ask = greeter::greet;
    }
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[3])), 0);
    server.setExecutor(Executors.newFixedThreadPool(2));
    server.createContext("/", (exchange) -> {
      byte[] answer;
      int status = 200;
      try {
        answer = (exchange.getRequestURI().getPath().equals("/ready") ? "ready" : ask.call()).getBytes(StandardCharsets.UTF_8);
      } catch (Exception error) {
        status = 503;
        answer = String.valueOf(error.getMessage()).getBytes(StandardCharsets.UTF_8);
      }
      exchange.sendResponseHeaders(status, answer.length);
      exchange.getResponseBody().write(answer);
      exchange.close();
    });
    server.start();
  }
}
