package dev.virtualip.vip.tell;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/** What the nodes say of a VirtualIP. A status may lack anything. */
public final class Reports {
  private Reports() {}

  /** The reports by node, in the order of names. */
  public static TreeMap<String, NodeStatus> of(VirtualIp vip) {
    var reports = new TreeMap<String, NodeStatus>();
    if (vip.getStatus() != null && vip.getStatus().nodes() != null) {
      reports.putAll(vip.getStatus().nodes());
      reports.values().removeIf(Objects::isNull);
    }
    return reports;
  }

  /** The nodes that say they are master. */
  public static List<String> masters(VirtualIp vip) {
    return of(vip).entrySet().stream()
        .filter(report -> report.getValue().state() == State.Master)
        .map(Map.Entry::getKey)
        .toList();
  }

  /**
   * The backup that takes over when the master ends: the one of the highest priority, of equal ones
   * that with the greater address.
   */
  public static Optional<String> successor(VirtualIp vip) {
    return of(vip).entrySet().stream()
        .filter(report -> report.getValue().state() == State.Backup)
        .max(
            Comparator.<Map.Entry<String, NodeStatus>>comparingInt(
                    report -> priority(report.getValue()))
                .thenComparing(report -> address(report.getValue()), Arrays::compareUnsigned)
                .thenComparing(Map.Entry::getKey))
        .map(Map.Entry::getKey);
  }

  static int priority(NodeStatus report) {
    return Objects.requireNonNullElse(report.priority(), 0);
  }

  private static byte[] address(NodeStatus report) {
    try {
      return report.address() == null
          ? new byte[0]
          : IpPrefix.parseAddress(report.address()).getAddress();
    } catch (IllegalArgumentException _) {
      return new byte[0];
    }
  }

  /** What a node is asked for, or null. */
  public static HandOver asked(VirtualIp vip, String node) {
    return vip.getStatus() == null || vip.getStatus().handOvers() == null
        ? null
        : vip.getStatus().handOvers().get(node);
  }

  static List<Condition> conditions(VirtualIp vip) {
    return vip.getStatus() == null || vip.getStatus().conditions() == null
        ? List.of()
        : vip.getStatus().conditions();
  }

  static Optional<Condition> condition(VirtualIp vip, String type) {
    return conditions(vip).stream().filter(c -> type.equals(c.getType())).findFirst();
  }

  /** A report in a few words, as in {@code Fault (CheckFailed(nginx)): connect refused}. */
  public static String described(NodeStatus report) {
    var reason = Objects.requireNonNullElse(report.reason(), "");
    return (report.state() == null ? "no state" : report.state().name())
        + (reason.isEmpty() ? "" : " (" + reason + ")")
        + (report.message() == null ? "" : ": " + report.message());
  }
}
