package conformance;

import static conformance.Programs.attempt;
import static conformance.Programs.say;
import static conformance.Programs.until;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.CreateMode;

/** Recipes of Curator. */
class Recipes {
  static void caches(Programs programs) throws Exception {
    CuratorFramework zk = programs.client();
    CuratorFramework writer = programs.client();
    Heard heard = new Heard();
    Heard tree = new Heard();
    writer.create().creatingParentsIfNeeded().forPath("/cache/a", "1".getBytes());
    try (CuratorCache cache = CuratorCache.build(zk, "/cache"); TreeCache old = new TreeCache(zk, "/cache")) {
      cache.listenable().addListener((type, before, after) -> heard.add(type + " " + (after == null ? before : after).getPath() + " " + new String((after == null ? before : after).getData())));
      // An address is the default of a node without data, which is not the same for two runs.
      writer.setData().forPath("/cache", new byte[0]);
      CountDownLatch ready = new CountDownLatch(1);
      cache.listenable().addListener(CuratorCacheListener.builder().forInitialized(ready::countDown).build());
      cache.start();
      ready.await(Programs.PATIENCE_MS, TimeUnit.MILLISECONDS);
      heard.showSorted("at first", 2);
      old.getListenable().addListener((framework, event) -> {
        if (event.getData() != null) tree.add(event.getType() + " " + event.getData().getPath());
        else tree.add(event.getType().toString());
      });
      old.start();
      tree.showSorted("tree at first", 3);
      writer.create().forPath("/cache/b", "2".getBytes());
      heard.show("created", 1);
      tree.show("tree", 1);
      writer.setData().forPath("/cache/a", "3".getBytes());
      heard.show("changed", 1);
      tree.show("tree", 1);
      writer.delete().forPath("/cache/b");
      heard.show("deleted", 1);
      tree.show("tree", 1);
      Basics.cut(zk.getZookeeperClient().getZooKeeper());
      until("connected again", () -> zk.getZookeeperClient().isConnected());
      writer.create().forPath("/cache/c", "4".getBytes());
      heard.show("after a cut", 1);
      say("in the cache", cache.stream().map((each) -> each.getPath() + "=" + new String(each.getData())).sorted().toList());
    }
  }

  static void mutex(Programs programs) throws Exception {
    CuratorFramework one = programs.client();
    CuratorFramework other = programs.client();
    InterProcessMutex first = new InterProcessMutex(one, "/mutex");
    InterProcessMutex second = new InterProcessMutex(other, "/mutex");
    first.acquire();
    first.acquire();
    attempt("another one", () -> second.acquire(200, TimeUnit.MILLISECONDS));
    Heard order = new Heard();
    Thread waiting = new Thread(() -> {
      try {
        second.acquire();
        order.add("second has it");
        second.release();
      } catch (Exception error) {
        order.add(error.toString());
      }
    });
    waiting.start();
    until("it waits", () -> participants(second).size() == 2);
    first.release();
    say("still held after one of two releases:", first.isOwnedByCurrentThread());
    first.release();
    order.show("then", 1);
    waiting.join();
    InterProcessReadWriteLock readers = new InterProcessReadWriteLock(one, "/rw");
    InterProcessReadWriteLock writers = new InterProcessReadWriteLock(other, "/rw");
    readers.readLock().acquire();
    attempt("a second reader", () -> writers.readLock().acquire(Programs.PATIENCE_MS, TimeUnit.MILLISECONDS));
    writers.readLock().release();
    attempt("a writer beside a reader", () -> writers.writeLock().acquire(200, TimeUnit.MILLISECONDS));
    readers.readLock().release();
    attempt("a writer alone", () -> writers.writeLock().acquire(Programs.PATIENCE_MS, TimeUnit.MILLISECONDS));
    InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(one, "/semaphore", 2);
    semaphore.acquire();
    semaphore.acquire();
    attempt("a third lease of two", () -> semaphore.acquire(200, TimeUnit.MILLISECONDS));
  }

  private static List<String> participants(InterProcessMutex mutex) {
    try {
      return new ArrayList<>(mutex.getParticipantNodes());
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }

  static void leaderLatch(Programs programs) throws Exception {
    List<LeaderLatch> latches = new ArrayList<>();
    for (int at = 0; at < 3; at++) {
      LeaderLatch latch = new LeaderLatch(programs.client(), "/latch", "c" + at);
      latches.add(latch);
      latch.start();
      int own = at;
      until("it takes part", () -> {
        try {
          return latch.getParticipants().size() == own + 1;
        } catch (Exception error) {
          throw new IllegalStateException(error);
        }
      });
    }
    for (int at = 0; at < 3; at++) {
      latches.get(at).await(Programs.PATIENCE_MS, TimeUnit.MILLISECONDS);
      say("leads", latches.get(at).getId(), "according to the last:", latches.get(2).getLeader().getId());
      latches.get(at).close();
    }
  }

  static void leaderSelector(Programs programs) throws Exception {
    Heard led = new Heard();
    List<LeaderSelector> all = new ArrayList<>();
    for (int at = 0; at < 2; at++) {
      String name = "s" + at;
      LeaderSelector selector = new LeaderSelector(programs.client(), "/selector", new LeaderSelectorListenerAdapter() {
        @Override
        public void takeLeadership(CuratorFramework framework) throws Exception {
          led.add(name);
          until("another one waits", () -> led.count() > 1 || all.size() == 2);
        }
      });
      selector.setId(name);
      selector.start();
      until("it takes part", () -> selector.hasLeadership() || all.size() > 0);
      all.add(selector);
    }
    led.show("leads", 2);
    all.forEach(LeaderSelector::close);
  }

  static void counters(Programs programs) throws Exception {
    CuratorFramework one = programs.client();
    CuratorFramework other = programs.client();
    List<Thread> threads = new ArrayList<>();
    for (CuratorFramework each : List.of(one, other)) {
      Thread thread = new Thread(() -> {
        try {
          DistributedAtomicLong counter = new DistributedAtomicLong(each, "/atomic", new RetryNTimes(1_000, 2));
          for (int at = 0; at < 20; at++) if (!counter.increment().succeeded()) say("not added");
        } catch (Exception error) {
          say(error);
        }
      });
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) thread.join();
    say("sum", new DistributedAtomicLong(one, "/atomic", new RetryNTimes(1, 1)).get().postValue());
    try (SharedCount count = new SharedCount(one, "/shared", 5); SharedCount same = new SharedCount(other, "/shared", 5)) {
      count.start();
      same.start();
      attempt("set", () -> {
        count.setCount(6);
        return count.getCount();
      });
      until("the other one sees it", () -> same.getCount() == 6);
      attempt("compare and set", () -> same.trySetCount(same.getVersionedValue(), 7));
      until("seen", () -> count.getCount() == 7);
    }
  }

  static void persistentNodes(Programs programs) throws Exception {
    CuratorFramework zk = programs.client();
    CuratorFramework other = programs.client();
    try (PersistentNode node = new PersistentNode(zk, CreateMode.EPHEMERAL, false, "/kept/node", "x".getBytes())) {
      node.start();
      node.waitForInitialCreate(Programs.PATIENCE_MS, TimeUnit.MILLISECONDS);
      attempt("there", () -> other.getData().forPath("/kept/node"));
      other.delete().forPath("/kept/node");
      until("it is created again", () -> {
        try {
          return other.checkExists().forPath("/kept/node") != null;
        } catch (Exception error) {
          throw new IllegalStateException(error);
        }
      });
      node.setData("y".getBytes());
      until("changed", () -> {
        try {
          return new String(other.getData().forPath("/kept/node")).equals("y");
        } catch (Exception error) {
          return false;
        }
      });
    }
    attempt("closed", () -> other.checkExists().forPath("/kept/node"));
  }
}
