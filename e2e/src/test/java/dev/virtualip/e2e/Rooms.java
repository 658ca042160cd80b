package dev.virtualip.e2e;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * How a program is divided: its packages, and the classes of its root package, each a room of its
 * own. An arrow runs from a room to one that it uses.
 */
final class Rooms {
  private final Map<String, Set<String>> arrows = new TreeMap<>();
  private final Set<String> rootClasses;
  private final Map<String, Integer> floors = new HashMap<>();
  private final Set<String> upwards = new TreeSet<>();

  private Rooms(Set<String> rootClasses) {
    this.rootClasses = rootClasses;
  }

  /**
   * Those of a program.
   *
   * @param root its root package, as in {@link Source#room}
   */
  static Rooms of(String root, Collection<Source> all) {
    var sources = all.stream().filter(s -> (s.room() + ".").startsWith(root + ".")).toList();
    var rooms =
        new Rooms(
            sources.stream()
                .filter(source -> source.room().equals(root))
                .map(Source::name)
                .collect(Collectors.toCollection(TreeSet::new)));
    for (var source : sources) {
      var uses = rooms.arrows.computeIfAbsent(rooms.room(root, source), _ -> new TreeSet<>());
      source.names().stream().map(name -> rooms.used(root, source, name.text())).forEach(uses::add);
    }
    rooms.arrows.forEach(
        (room, uses) -> {
          uses.retainAll(rooms.arrows.keySet());
          uses.remove(room);
        });
    var used = rooms.arrows.values().stream().flatMap(Set::stream).collect(Collectors.toSet());
    var path = new ArrayDeque<String>();
    // From those that nobody uses: what runs back on the way down from there runs up.
    rooms.arrows.keySet().stream()
        .filter(r -> !used.contains(r))
        .forEach(r -> rooms.climb(r, path));
    rooms.arrows.keySet().forEach(room -> rooms.climb(room, path));
    return rooms;
  }

  private String room(String root, Source source) {
    return source.room().equals(root) ? source.name() : source.room();
  }

  private String used(String root, Source source, String name) {
    var used = Source.room(name);
    if (used.equals(root)) {
      return name.substring((Source.PRODUCT + root + ".").length()).split("\\.")[0];
    }
    boolean sibling = used.isEmpty() && source.room().equals(root);
    return sibling ? name.split("\\.")[0] : used;
  }

  /** Gives a room its floor: one above the highest that it uses. */
  private int climb(String room, Deque<String> path) {
    if (floors.containsKey(room)) {
      return floors.get(room);
    }
    path.push(room);
    int floor = 1;
    for (var used : arrows.get(room)) {
      if (path.contains(used)) {
        upwards.add(room + " -> " + used);
      } else {
        floor = Math.max(floor, climb(used, path) + 1);
      }
    }
    path.pop();
    floors.put(room, floor);
    return floor;
  }

  /** Arrows that run back up. */
  List<String> upwards() {
    return List.copyOf(upwards);
  }

  @Override
  public String toString() {
    return "rooms=%d floors=%d arrows=%d upwards=%d root_classes=%d"
        .formatted(
            arrows.size(),
            floors.values().stream().mapToInt(Integer::intValue).max().orElse(0),
            arrows.values().stream().mapToInt(Set::size).sum(),
            upwards.size(),
            rootClasses.size());
  }
}
