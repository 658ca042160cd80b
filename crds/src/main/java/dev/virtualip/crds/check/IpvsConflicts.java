package dev.virtualip.crds.check;

import dev.virtualip.crds.check.CheckedSpec.ConnectionSync;
import dev.virtualip.crds.check.CheckedSpec.ConnectionTimeouts;
import dev.virtualip.crds.check.CheckedVirtualServer.Service;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Conflicts over what a node's kernel has once: a firewall mark of a family, the synchronisation of
 * connections, and their timeouts. A port needs none of this, as its address is in conflict.
 */
final class IpvsConflicts {
  private IpvsConflicts() {}

  /** Keys of what no two may have, or only with the same values. */
  static Stream<Object> keys(CheckedSpec spec) {
    return Stream.of(
            spec.virtualServers().stream().flatMap(server -> marks(server).stream()),
            Stream.ofNullable(spec.connectionSync()).map(_ -> ConnectionSync.class),
            Stream.of(ConnectionSync.class).filter(_ -> mixing(spec).isPresent()),
            Stream.ofNullable(spec.connectionTimeouts()).map(_ -> ConnectionTimeouts.class))
        .flatMap(keys -> keys);
  }

  private static List<Service> marks(CheckedVirtualServer server) {
    return server.services().stream().filter(service -> service.fwmark() != 0).toList();
  }

  /** The conflicts of two that may run on one node. */
  static List<Problem> between(String winner, CheckedSpec older, CheckedSpec spec) {
    var problems = new ArrayList<Problem>();
    var taken =
        older.virtualServers().stream()
            .flatMap(server -> marks(server).stream())
            .collect(Collectors.toSet());
    for (int i = 0; i < spec.virtualServers().size(); i++) {
      marksBetween(winner, taken, i, marks(spec.virtualServers().get(i))).forEach(problems::add);
    }
    syncBetween(winner, older, spec).forEach(problems::add);
    if (older.connectionTimeouts() != null && spec.connectionTimeouts() != null) {
      timeout(winner, older, spec, "tcp", ConnectionTimeouts::tcp).forEach(problems::add);
      timeout(winner, older, spec, "tcpFin", ConnectionTimeouts::tcpFin).forEach(problems::add);
      timeout(winner, older, spec, "udp", ConnectionTimeouts::udp).forEach(problems::add);
    }
    return problems;
  }

  private static Stream<Problem> marksBetween(
      String winner, Set<Service> taken, int index, List<Service> own) {
    return own.stream()
        .filter(taken::contains)
        .map(
            service ->
                Conflicts.conflict(
                    "spec.virtualServers[" + index + "].fwmark",
                    "%s is taken by VirtualIP %s: use another mark or set of nodes"
                        .formatted(service, winner)));
  }

  private static Stream<Problem> syncBetween(String winner, CheckedSpec older, CheckedSpec spec) {
    var path = "spec.connectionSync";
    var own = spec.connectionSync();
    var taken = older.connectionSync();
    if (own != null && taken != null && !own.equals(taken)) {
      return Stream.of(
          Conflicts.conflict(
              path,
              ("a node's kernel has one, and VirtualIP %s has interface %s and syncId %d: give both"
                      + " the same, or other nodes")
                  .formatted(winner, taken.interfaceName(), taken.syncId())));
    }
    var refused =
        "the kernel has no connectionSync beside servers of the other family, and VirtualIP ";
    if (own != null && mixing(older).isPresent()) {
      var fix = winner + " has such servers: remove it, or use other nodes";
      return Stream.of(Conflicts.conflict(path, refused + fix));
    }
    var fix = winner + " has one: use servers of the same family, or other nodes";
    return taken == null
        ? Stream.empty()
        : mixing(spec).stream()
            .mapToObj(
                i ->
                    Conflicts.conflict(
                        "spec.virtualServers[" + i + "].realServers", refused + fix));
  }

  /** The first virtual server with servers of the other family. */
  private static OptionalInt mixing(CheckedSpec spec) {
    return IntStream.range(0, spec.virtualServers().size())
        .filter(i -> spec.virtualServers().get(i).mixesFamilies())
        .findFirst();
  }

  private static Stream<Problem> timeout(
      String winner,
      CheckedSpec older,
      CheckedSpec spec,
      String field,
      Function<ConnectionTimeouts, Duration> value) {
    var taken = value.apply(older.connectionTimeouts());
    var own = value.apply(spec.connectionTimeouts());
    return taken == null || own == null || taken.equals(own)
        ? Stream.empty()
        : Stream.of(
            Conflicts.conflict(
                "spec.connectionTimeouts." + field,
                "a node's kernel has one, and VirtualIP %s has %ds: give both the same, or other nodes"
                    .formatted(winner, taken.toSeconds())));
  }
}
