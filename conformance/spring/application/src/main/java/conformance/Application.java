package conformance;

import java.util.List;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.client.discovery.DiscoveryClient;
import org.springframework.cloud.client.loadbalancer.LoadBalanced;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Primary;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;

/** An ordinary application: it says its own name, asks another application for its name, and lists the instances that it sees. */
@SpringBootApplication
@RestController
public class Application {
  private final DiscoveryClient discovery;
  private final RestClient client;
  private final String id;

  public Application(DiscoveryClient discovery, @LoadBalanced RestClient.Builder builder, @Value("${conformance.id}") String id) {
    this.discovery = discovery;
    this.client = builder.build();
    this.id = id;
  }

  public static void main(String[] args) {
    SpringApplication.run(Application.class, args);
  }

  @Bean
  @LoadBalanced
  static RestClient.Builder balanced() {
    return RestClient.builder();
  }

  /** The Eureka client takes this one: through the load balancer it would look for its server among the instances. */
  @Bean
  @Primary
  static RestClient.Builder plain() {
    return RestClient.builder();
  }

  @GetMapping("/hello")
  public String hello() {
    return id;
  }

  /** Calls the application with that name through the load balancer. */
  @GetMapping("/ask/{service}")
  public String ask(@PathVariable String service) {
    return client.get().uri("http://" + service + "/hello").retrieve().body(String.class);
  }

  /** The instances of that application as the discovery client knows them. */
  @GetMapping("/instances/{service}")
  public List<String> instances(@PathVariable String service) {
    return discovery.getInstances(service).stream().map((instance) -> instance.getInstanceId() + " " + instance.getUri()).toList();
  }

  @GetMapping("/services")
  public List<String> services() {
    return discovery.getServices();
  }
}
