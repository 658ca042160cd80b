package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Nodes of one priority, of which the spec does not say which one is to be master. */
public final class EqualPriorities {
  private static final int NAMED_MAX = 3;

  private EqualPriorities() {}

  /**
   * A note about the highest priority that several nodes have; empty if none has two.
   *
   * @param nodes names of the selected nodes, as they are to be listed
   * @param addresses where the adverts of nodes come from, by name; it may be known of none
   */
  public static Optional<String> note(
      VirtualIpSpec spec, Collection<String> nodes, Map<String, InetAddress> addresses) {
    var byPriority =
        nodes.stream()
            .collect(Collectors.groupingBy(spec::priorityOn, TreeMap::new, Collectors.toList()));
    return byPriority.descendingMap().entrySet().stream()
        .filter(equals -> equals.getValue().size() > 1)
        .findFirst()
        .map(equals -> text(equals.getKey(), equals.getValue(), addresses));
  }

  /** As VRRP has it: a backup lets an equal be, and of two masters the greater address stays. */
  private static String text(int priority, List<String> nodes, Map<String, InetAddress> addresses) {
    var winner = "the one with the greater address";
    if (addresses.keySet().containsAll(nodes)) {
      var node =
          nodes.stream()
              .max(
                  (a, b) ->
                      Arrays.compareUnsigned(
                          addresses.get(a).getAddress(), addresses.get(b).getAddress()))
              .orElseThrow();
      winner =
          "%s, whose address is greater (%s)".formatted(node, IpPrefix.text(addresses.get(node)));
    }
    return "%s have equal priority %d: the first to be master stays it, of several at once %s"
        .formatted(names(nodes), priority, winner);
  }

  private static String names(List<String> nodes) {
    int rest = nodes.size() - NAMED_MAX;
    return rest > 0
        ? String.join(", ", nodes.subList(0, NAMED_MAX)) + " and " + rest + " more"
        : String.join(", ", nodes.subList(0, nodes.size() - 1)) + " and " + nodes.getLast();
  }
}
