package conformance;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import org.apache.zookeeper.server.ZooKeeperServerMain;
import org.slf4j.LoggerFactory;

/** A ZooKeeper server. Argument: its configuration file. Four-letter words and TTL nodes are on; its HTTP console is off. */
public class Server {
  public static void main(String[] args) {
    ((Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME)).setLevel(Level.WARN);
    System.setProperty("zookeeper.4lw.commands.whitelist", "*");
    System.setProperty("zookeeper.admin.enableServer", "false");
    System.setProperty("zookeeper.extendedTypesEnabled", "true");
    // Once a minute by default.
    System.setProperty("znode.container.checkIntervalMs", "200");
    ZooKeeperServerMain.main(args);
  }
}
