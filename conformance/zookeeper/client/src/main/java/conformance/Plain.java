package conformance;

import static conformance.Programs.attempt;
import static conformance.Programs.say;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/** ZooKeeper's own client without Curator, with packets of all sizes: over TLS a large one is many records. */
class Plain {
  private static final int LARGE = 900_000;

  static void client(Programs programs) throws Exception {
    CountDownLatch connected = new CountDownLatch(1);
    try (ZooKeeper zk = new ZooKeeper(programs.address, 10_000, (event) -> {
      if (event.getState() == Watcher.Event.KeeperState.SyncConnected) connected.countDown();
    })) {
      if (!connected.await(Programs.PATIENCE_MS, TimeUnit.MILLISECONDS)) throw new IllegalStateException("not connected");
      Stat stat = new Stat();
      attempt("create", () -> zk.create("/plain", new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, stat));
      attempt("create an ephemeral", () -> zk.create("/plain/mine", "1".getBytes(), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL));
      Heard heard = new Heard();
      attempt("get and watch", () -> zk.getData("/plain", (event) -> heard.add(event.getType() + " " + event.getPath()), stat));
      byte[] large = new byte[LARGE];
      for (int at = 0; at < LARGE; at++) large[at] = (byte) (at * 31);
      attempt("set large data", () -> zk.setData("/plain", large, 0));
      heard.show("told", 1);
      attempt("it comes back the same", () -> Arrays.equals(large, zk.getData("/plain", false, stat)));
      attempt("a multi of 500", () -> zk.multi(IntStream.range(0, 500).mapToObj((at) -> Op.create("/plain/n" + at, new byte[1_000], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT)).toList()).size());
      attempt("children", () -> zk.getChildren("/plain", false).size());
      say("a thousand reads without a wait:", many(zk));
    }
  }

  private static int many(ZooKeeper zk) throws Exception {
    CountDownLatch answers = new CountDownLatch(1_000);
    for (int at = 0; at < 1_000; at++) zk.getData("/plain/n" + at % 500, false, (code, path, context, data, stat) -> {
      if (code == 0 && data.length == 1_000) answers.countDown();
    }, null);
    answers.await(Programs.PATIENCE_MS, TimeUnit.MILLISECONDS);
    return 1_000 - (int) answers.getCount();
  }
}
