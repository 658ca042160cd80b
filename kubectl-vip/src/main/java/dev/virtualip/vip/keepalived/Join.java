package dev.virtualip.vip.keepalived;

import java.util.Collection;
import java.util.Objects;

/** Makes nodes the lowest backups of the hosts that a router was imported from. */
final class Join {
  /** So much lower that the skews of two backups do not overlap, which is 40 ms in version 2. */
  private static final int STEP = 10;

  private final Collection<Router> hosts;
  private final Report report;

  Join(Collection<Router> hosts, Report report) {
    this.hosts = hosts;
    this.report = report;
  }

  /** Lets a router run on any node, below all hosts, and be Ready while a host is master. */
  void below(Router router) {
    int lowest = hosts.stream().mapToInt(Merge::priority).min().orElseThrow();
    if (lowest == 1) {
      report.error(
          "%s has priority 1, and no node can be lower: raise it and its peers' there first"
              .formatted(router.instance().place()));
    }
    int priority = Math.max(1, lowest - STEP);
    for (var host : hosts) {
      var own = host.spec().get("priority");
      if (own != null && own.from() != null) {
        report.approximated(own.from(), "%d, below all hosts, to join them".formatted(priority));
      }
      nic(host, router);
      host.peers()
          .forEach(
              peer ->
                  report.approximated(
                      peer,
                      "add the nodes' addresses to transport.peers, and to each host's unicast_peer"));
    }
    router.spec().put("priority", priority, null);
    router.spec().put("allowOutside", true, null);
    router.spec().values().remove("initialState");
  }

  private void nic(Router host, Router router) {
    var nic = host.spec().get("interface");
    if (nic != null && !Objects.equals(nic.content(), router.spec().text("interface"))) {
      report.approximated(nic.from(), "nodes have NICs of their own: see nodes.overrides");
    }
  }
}
