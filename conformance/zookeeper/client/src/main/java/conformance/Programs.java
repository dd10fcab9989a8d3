package conformance;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryOneTime;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.Stat;
import org.slf4j.LoggerFactory;

/**
 * Programs with Curator. Each prints a transcript without times and ids, so that it is the same on every server that behaves as ZooKeeper
 * does. Arguments: the address of the server, and the names of programs, all by default. A program that fails ends the process with 1.
 * System properties of ZooKeeper's client make it use TLS.
 */
public class Programs {
  interface Program {
    void run(Programs programs) throws Exception;
  }

  static final int PATIENCE_MS = 30_000;
  final String address;
  private final List<CuratorFramework> clients = new ArrayList<>();

  private Programs(String address) {
    this.address = address;
  }

  public static void main(String[] args) throws Exception {
    ((Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME)).setLevel(Level.OFF);
    Map<String, Program> programs = new LinkedHashMap<>();
    programs.put("plain-client", Plain::client);
    programs.put("nodes", Basics::nodes);
    programs.put("transactions", Basics::transactions);
    programs.put("containers", Basics::containers);
    programs.put("persistent-watches", Basics::persistentWatches);
    programs.put("reconnect", Basics::reconnect);
    programs.put("caches", Recipes::caches);
    programs.put("mutex", Recipes::mutex);
    programs.put("leader-latch", Recipes::leaderLatch);
    programs.put("leader-selector", Recipes::leaderSelector);
    programs.put("counters", Recipes::counters);
    programs.put("persistent-nodes", Recipes::persistentNodes);
    programs.put("discovery", Discovery::discovery);
    List<String> wanted = Arrays.asList(args).subList(1, args.length);
    boolean failed = false;
    for (Map.Entry<String, Program> each : programs.entrySet()) {
      if (!wanted.isEmpty() && !wanted.contains(each.getKey())) continue;
      Programs run = new Programs(args[0]);
      say("==", each.getKey());
      try {
        each.getValue().run(run);
      } catch (Throwable error) {
        failed = true;
        error.printStackTrace(System.out);
      }
      run.clients.forEach(CuratorFramework::close);
    }
    System.out.flush();
    Runtime.getRuntime().halt(failed ? 1 : 0);
  }

  /** A client that is connected. */
  CuratorFramework client() throws Exception {
    CuratorFramework made = CuratorFrameworkFactory.builder().connectString(address).sessionTimeoutMs(10_000).connectionTimeoutMs(10_000).retryPolicy(new RetryOneTime(200)).build();
    made.start();
    if (!made.blockUntilConnected(PATIENCE_MS, TimeUnit.MILLISECONDS)) throw new IllegalStateException("not connected");
    clients.add(made);
    return made;
  }

  static void say(Object... words) {
    System.out.println(Arrays.stream(words).map(String::valueOf).collect(Collectors.joining(" ")));
  }

  /** Calls, and prints the result or the error. */
  static void attempt(String what, Callable<?> call) throws Exception {
    try {
      say(what, "->", shown(call.call()));
    } catch (KeeperException error) {
      say(what, "fails:", error.code());
    }
  }

  static String shown(Object value) {
    if (value instanceof byte[] bytes) return "\"" + new String(bytes) + "\"";
    if (value instanceof Stat stat) return shown(stat);
    return String.valueOf(value);
  }

  static String shown(Stat stat) {
    return "stat(v" + stat.getVersion() + " c" + stat.getCversion() + " a" + stat.getAversion() + ", " + stat.getDataLength() + " bytes, " + stat.getNumChildren() + " children, "
        + (stat.getEphemeralOwner() == 0 ? "persistent" : stat.getEphemeralOwner() == Long.MIN_VALUE ? "container" : stat.getEphemeralOwner() < 0 ? "ttl" : "ephemeral")
        + (stat.getMzxid() > stat.getCzxid() ? ", changed" : "") + (stat.getPzxid() > stat.getCzxid() ? ", children changed" : "") + ")";
  }

  static void until(String what, BooleanSupplier condition) throws InterruptedException {
    until(what, condition, PATIENCE_MS);
  }

  static void until(String what, BooleanSupplier condition, long patienceMs) throws InterruptedException {
    long deadline = System.nanoTime() + patienceMs * 1_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) throw new IllegalStateException("not in time: " + what);
      Thread.sleep(5);
    }
  }
}
