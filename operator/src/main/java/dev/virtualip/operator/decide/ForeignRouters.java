package dev.virtualip.operator.decide;

import static dev.virtualip.operator.watch.ClusterView.reports;

import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Routers that use the VRID of a VirtualIP with other settings and are no nodes. Pure. */
final class ForeignRouters {
  /** A VirtualIP that has served for longer is not moved: that would be a failover. */
  static final Duration FIRST_REPORT = Duration.ofMinutes(1);

  private ForeignRouters() {}

  /** Who they are, what does not fit, and who hears them; empty if there are none. */
  static String of(VirtualIp vip, Collection<NodeFacts> nodes) {
    var foreign = new TreeMap<String, TreeSet<String>>();
    reports(vip)
        .forEach(
            (node, report) -> {
              if (report.state() != State.Unknown && report.speakers() != null) {
                report.speakers().stream()
                    .filter(speaker -> !isOwn(speaker.address(), vip, nodes))
                    .map(speaker -> speaker.address() + " (" + speaker.reason() + ")")
                    .forEach(who -> foreign.computeIfAbsent(who, _ -> new TreeSet<>()).add(node));
              }
            });
    return foreign.entrySet().stream()
        .map(
            speaker ->
                "%s uses the same VRID, heard by %s"
                    .formatted(speaker.getKey(), String.join(", ", speaker.getValue())))
        .collect(Collectors.joining("; "));
  }

  private static boolean isOwn(String address, VirtualIp vip, Collection<NodeFacts> nodes) {
    return Stream.concat(
            nodes.stream().flatMap(node -> node.addresses().stream()),
            reports(vip).values().stream().flatMap(NodeStatus::addresses))
        .anyMatch(own -> Objects.equals(own, address));
  }

  /** Those of VirtualIPs that have not served yet, or for less than a minute, by name. */
  static Map<String, String> ofNewOnes(
      Collection<VirtualIp> vips, Collection<NodeFacts> nodes, Instant now) {
    var foreign = new TreeMap<String, String>();
    for (var vip : vips) {
      var text = of(vip, nodes);
      if (!text.isEmpty() && isNew(vip, now)) {
        foreign.put(vip.getMetadata().getName(), text);
      }
    }
    return foreign;
  }

  private static boolean isNew(VirtualIp vip, Instant now) {
    var transitions = vip.getStatus().transitions();
    return transitions == null
        || transitions == 0
        || transitions == 1
            && reports(vip).values().stream()
                .filter(report -> report.state() == State.Master)
                .allMatch(
                    report ->
                        report.since() != null
                            && Instant.parse(report.since()).plus(FIRST_REPORT).isAfter(now));
  }
}
