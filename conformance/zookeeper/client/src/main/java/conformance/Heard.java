package conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Collects what listeners are called with. */
class Heard {
  private final List<String> items = new ArrayList<>();

  synchronized void add(String item) {
    items.add(item);
  }

  synchronized int count() {
    return items.size();
  }

  private synchronized List<String> taken() {
    List<String> all = new ArrayList<>(items);
    items.clear();
    return all;
  }

  /** Waits for so many, prints them in order, and forgets them. */
  void show(String what, int count) throws Exception {
    Programs.until(what, () -> count() >= count);
    for (String each : taken()) Programs.say(what, each);
  }

  /** The same for those that may come in any order. */
  void showSorted(String what, int count) throws Exception {
    Programs.until(what, () -> count() >= count);
    Programs.say(what, taken().stream().sorted().collect(Collectors.joining(", ")));
  }
}
