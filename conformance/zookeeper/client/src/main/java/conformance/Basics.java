package conformance;

import static conformance.Programs.attempt;
import static conformance.Programs.say;
import static conformance.Programs.shown;
import static conformance.Programs.until;

import java.util.List;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.ClientCnxn;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/** What the framework alone does. */
class Basics {
  static void nodes(Programs programs) throws Exception {
    CuratorFramework zk = programs.client();
    Stat stat = new Stat();
    attempt("create", () -> zk.create().forPath("/c", "one".getBytes()));
    attempt("create again", () -> zk.create().forPath("/c"));
    attempt("create or set", () -> zk.create().orSetData().forPath("/c", "two".getBytes()));
    attempt("create with its parents", () -> zk.create().creatingParentsIfNeeded().withMode(CreateMode.EPHEMERAL).forPath("/c/a/b", "x".getBytes()));
    attempt("create with the stat", () -> {
      zk.create().storingStatIn(stat).forPath("/c/stat", "123".getBytes());
      return stat;
    });
    attempt("protected and sequential", () -> zk.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath("/c/p-").replaceAll("_c_[0-9a-f-]{36}", "_c_ID"));
    attempt("ttl", () -> zk.create().withTtl(3_600_000).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath("/c/ttl", new byte[0]));
    attempt("stat of a ttl node", () -> zk.checkExists().forPath("/c/ttl"));
    attempt("sequential with ttl", () -> zk.create().withTtl(3_600_000).withMode(CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL).forPath("/c/ttl-"));
    attempt("idempotent create", () -> zk.create().idempotent().forPath("/c/stat", "123".getBytes()));
    attempt("get", () -> zk.getData().storingStatIn(stat).forPath("/c"));
    say("stat", shown(stat));
    attempt("set", () -> zk.setData().withVersion(1).forPath("/c", "three".getBytes()));
    attempt("set an old version", () -> zk.setData().withVersion(1).forPath("/c", "four".getBytes()));
    attempt("children", () -> zk.getChildren().forPath("/c").stream().map((name) -> name.replaceAll("_c_[0-9a-f-]{36}", "_c_ID")).sorted().toList());
    attempt("acl", () -> zk.getACL().forPath("/c").stream().map((each) -> each.getPerms() + " of " + each.getId().getScheme()).toList());
    attempt("delete with children", () -> zk.delete().forPath("/c"));
    attempt("guaranteed, with children", () -> zk.delete().guaranteed().deletingChildrenIfNeeded().forPath("/c"));
    attempt("gone", () -> zk.checkExists().forPath("/c"));
    // Over TLS, ZooKeeper's servers know a client by its certificate as well; Rollcall's do not.
    attempt("who am I", () -> zk.getZookeeperClient().getZooKeeper().whoAmI().stream().filter((each) -> !each.getAuthScheme().equals("x509")).toList());
  }

  static void transactions(Programs programs) throws Exception {
    CuratorFramework zk = programs.client();
    attempt("all", () -> results(zk.transaction().forOperations(
        zk.transactionOp().create().forPath("/t", "0".getBytes()),
        zk.transactionOp().setData().forPath("/t", "1".getBytes()),
        zk.transactionOp().check().withVersion(1).forPath("/t"),
        zk.transactionOp().create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath("/t/s-"),
        zk.transactionOp().delete().forPath("/t/s-0000000000"))));
    try {
      zk.transaction().forOperations(
          zk.transactionOp().create().forPath("/t/x"),
          zk.transactionOp().check().withVersion(7).forPath("/t"),
          zk.transactionOp().create().forPath("/t/y"));
      say("no error");
    } catch (KeeperException error) {
      say("fails:", error.code(), error.getResults().stream().map((result) -> {
        if (result instanceof org.apache.zookeeper.OpResult.ErrorResult failed) return KeeperException.Code.get(failed.getErr()).toString();
        return result.getClass().getSimpleName();
      }).toList());
    }
    attempt("nothing of it", () -> zk.getChildren().forPath("/t"));
    ZooKeeper raw = zk.getZookeeperClient().getZooKeeper();
    attempt("reads of several nodes", () -> raw.multi(List.of(org.apache.zookeeper.Op.getData("/t"), org.apache.zookeeper.Op.getChildren("/t"), org.apache.zookeeper.Op.getData("/none"))).stream().map((result) -> {
      if (result instanceof org.apache.zookeeper.OpResult.GetDataResult data) return new String(data.getData()) + " " + shown(data.getStat());
      if (result instanceof org.apache.zookeeper.OpResult.GetChildrenResult children) return children.getChildren().toString();
      if (result instanceof org.apache.zookeeper.OpResult.ErrorResult failed) return KeeperException.Code.get(failed.getErr()).toString();
      return result.toString();
    }).toList());
  }

  private static List<String> results(List<CuratorTransactionResult> all) {
    return all.stream().map((each) -> each.getType() + " " + each.getResultPath() + (each.getResultStat() == null ? "" : " " + shown(each.getResultStat()))).toList();
  }

  static void containers(Programs programs) throws Exception {
    CuratorFramework zk = programs.client();
    attempt("with parents that are containers", () -> zk.create().creatingParentContainersIfNeeded().withMode(CreateMode.EPHEMERAL).forPath("/box/of/x"));
    attempt("stat of a container", () -> zk.checkExists().forPath("/box/of"));
    attempt("an empty container stays while it had no child", () -> zk.create().withMode(CreateMode.CONTAINER).forPath("/empty"));
    attempt("delete a container", () -> zk.delete().forPath("/empty"));
    zk.delete().forPath("/box/of/x");
    say("containers that became empty go:");
    // Servers look once a minute, and the parent is empty only afterwards.
    until("they are gone", () -> {
      try {
        return zk.checkExists().forPath("/box") == null;
      } catch (Exception error) {
        throw new IllegalStateException(error);
      }
    }, 240_000);
    attempt("parent", () -> zk.checkExists().forPath("/box"));
  }

  static void persistentWatches(Programs programs) throws Exception {
    CuratorFramework zk = programs.client();
    CuratorFramework writer = programs.client();
    Heard recursive = new Heard();
    Heard persistent = new Heard();
    writer.create().forPath("/pw");
    zk.watchers().add().withMode(AddWatchMode.PERSISTENT_RECURSIVE).usingWatcher((org.apache.zookeeper.Watcher) (event) -> recursive.add(event.getType() + " " + event.getPath())).forPath("/pw");
    zk.watchers().add().withMode(AddWatchMode.PERSISTENT).usingWatcher((org.apache.zookeeper.Watcher) (event) -> persistent.add(event.getType() + " " + event.getPath())).forPath("/pw");
    writer.create().forPath("/pw/a");
    writer.setData().forPath("/pw/a", "1".getBytes());
    writer.create().forPath("/pw/a/deep");
    writer.setData().forPath("/pw", "2".getBytes());
    writer.delete().forPath("/pw/a/deep");
    writer.delete().forPath("/pw/a");
    // Each event once, in order; a recursive watch hears of no children, a persistent one of its own.
    recursive.show("recursive", 6);
    persistent.show("persistent", 3);
    zk.transaction().forOperations(zk.transactionOp().create().forPath("/pw/x"), zk.transactionOp().create().forPath("/pw/y"));
    // ZooKeeper tells the parent's watch of each change of a transaction, Rollcall once.
    recursive.showSorted("of a transaction", 2);
    Programs.until("of a transaction", () -> persistent.count() > 0);
    zk.sync().forPath("/pw");
    Heard once = new Heard();
    zk.getData().usingWatcher((org.apache.zookeeper.Watcher) (event) -> once.add(event.getType() + " " + event.getPath())).forPath("/pw/y");
    writer.setData().forPath("/pw/y", "1".getBytes());
    writer.setData().forPath("/pw/y", "2".getBytes());
    once.show("a one-shot watch beside them", 1);
    recursive.show("recursive", 2);
    attempt("remove", () -> {
      zk.watchers().removeAll().forPath("/pw");
      return "removed";
    });
    recursive.show("a removal tells the watcher:", 1);
    writer.setData().forPath("/pw", "3".getBytes());
    zk.sync().forPath("/pw");
    attempt("a watch that does not exist", () -> {
      zk.watchers().removeAll().forPath("/pw/none");
      return "removed";
    });
  }

  static void reconnect(Programs programs) throws Exception {
    CuratorFramework zk = programs.client();
    CuratorFramework writer = programs.client();
    Heard states = new Heard();
    Heard events = new Heard();
    zk.getConnectionStateListenable().addListener((framework, state) -> states.add(state.toString()));
    zk.create().forPath("/rc");
    zk.create().withMode(CreateMode.EPHEMERAL).forPath("/rc/mine");
    zk.watchers().add().withMode(AddWatchMode.PERSISTENT_RECURSIVE).usingWatcher((org.apache.zookeeper.Watcher) (event) -> {
      if (event.getPath() != null) events.add(event.getType() + " " + event.getPath());
    }).forPath("/rc");
    long session = zk.getZookeeperClient().getZooKeeper().getSessionId();
    cut(zk.getZookeeperClient().getZooKeeper());
    states.show("state", 2);
    say("the same session:", session == zk.getZookeeperClient().getZooKeeper().getSessionId());
    attempt("its ephemeral", () -> writer.checkExists().forPath("/rc/mine"));
    writer.create().forPath("/rc/new");
    events.show("told over the new connection", 1);
    attempt("state", () -> zk.getZookeeperClient().isConnected() ? ConnectionState.CONNECTED : ConnectionState.LOST);
  }

  /** Closes the socket below the client, as a cut in the network does. */
  static void cut(ZooKeeper zk) throws Exception {
    java.lang.reflect.Field field = ZooKeeper.class.getDeclaredField("cnxn");
    field.setAccessible(true);
    ClientCnxn cnxn = (ClientCnxn) field.get(zk);
    java.lang.reflect.Field thread = ClientCnxn.class.getDeclaredField("sendThread");
    thread.setAccessible(true);
    Object sendThread = thread.get(cnxn);
    java.lang.reflect.Method method = sendThread.getClass().getDeclaredMethod("testableCloseSocket");
    method.setAccessible(true);
    method.invoke(sendThread);
  }
}
