package conformance;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.PropertySource;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Tells values of its environment and the names of the sources that the config server gave. */
@SpringBootApplication
@RestController
public class Application {
  private final ConfigurableEnvironment environment;

  public Application(ConfigurableEnvironment environment) {
    this.environment = environment;
  }

  public static void main(String[] args) {
    SpringApplication.run(Application.class, args);
  }

  @GetMapping("/ready")
  public String ready() {
    return "ready";
  }

  @GetMapping("/value")
  public String value(@RequestParam("key") String key) {
    return environment.getProperty(key, "(none)");
  }

  @GetMapping("/sources")
  public String sources() {
    return environment.getPropertySources().stream().map(PropertySource::getName).filter(name -> name.contains("rollcall:")).reduce("", (all, name) -> all + name + "\n");
  }
}
