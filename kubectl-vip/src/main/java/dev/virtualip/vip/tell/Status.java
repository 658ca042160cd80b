package dev.virtualip.vip.tell;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.schema.VirtualIpStatus.Transition;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** Who is master, who is backup with which priority and why, and what moved last. */
public final class Status {
  private static final String NONE = "-";
  private static final int MOVES = 5;

  private record Move(String node, Transition what) {}

  private Status() {}

  /**
   * A line for each VirtualIP.
   *
   * @param wide with VRID, NIC and the reason of Ready
   */
  public static List<String> table(Collection<VirtualIp> vips, Instant now, boolean wide) {
    var table =
        wide
            ? new Table(
                "NAME",
                "ADDRESS",
                "MASTER",
                "OTHERS",
                "READY",
                "LAST MOVE",
                "VRID",
                "NIC",
                "REASON")
            : new Table("NAME", "ADDRESS", "MASTER", "OTHERS", "READY", "LAST MOVE");
    for (var vip : vips) {
      var cells =
          new ArrayList<>(
              List.of(
                  vip.getMetadata().getName(),
                  addresses(vip, false),
                  masters(vip),
                  others(vip),
                  Reports.condition(vip, "Ready").map(c -> c.getStatus()).orElse(NONE),
                  lastMove(vip, now)));
      if (wide) {
        cells.add(Integer.toString(vip.getSpec().vrid()));
        cells.add(vip.getSpec().interfaceName());
        cells.add(Reports.condition(vip, "Ready").map(c -> c.getReason()).orElse(NONE));
      }
      table.row(cells.toArray(String[]::new));
    }
    return table.lines();
  }

  /** One VirtualIP, with a line for each node, and the last moves. */
  public static List<String> of(VirtualIp vip, Instant now) {
    var lines = new ArrayList<String>();
    lines.add(
        "%s: %s, VRID %d on %s"
            .formatted(
                vip.getMetadata().getName(),
                addresses(vip, true),
                vip.getSpec().vrid(),
                vip.getSpec().interfaceName()));
    lines.addAll(conditions(vip));
    lines.add("");
    lines.addAll(nodes(vip, now));
    var moves = moves(vip);
    if (!moves.isEmpty()) {
      lines.add("");
      var table = new Table("AGO", "NODE", "MOVE", "WHY", "TOOK");
      for (var move : moves.subList(0, Math.min(MOVES, moves.size()))) {
        var what = move.what();
        table.row(
            Times.ago(what.at(), now),
            move.node(),
            what.from() + " > " + what.to(),
            Objects.requireNonNullElse(what.reason(), ""),
            Objects.requireNonNullElse(what.took(), "").replaceFirst(":.*", ""));
      }
      lines.addAll(table.lines());
    }
    return lines;
  }

  /** Whether it may run and is served, and what else is wrong. */
  static List<String> conditions(VirtualIp vip) {
    return Reports.conditions(vip).stream()
        .filter(
            condition ->
                List.of("Accepted", "Ready").contains(condition.getType())
                    || "True".equals(condition.getStatus()))
        .map(
            c ->
                "%s=%s %s: %s".formatted(c.getType(), c.getStatus(), c.getReason(), c.getMessage()))
        .toList();
  }

  private static List<String> nodes(VirtualIp vip, Instant now) {
    var table = new Table("NODE", "STATE", "SINCE", "REASON", "PRIORITY");
    Reports.of(vip)
        .forEach(
            (node, report) ->
                table.row(
                    node,
                    String.valueOf(report.state()),
                    Times.ago(report.since(), now),
                    Objects.requireNonNullElse(report.reason(), "")
                        + (report.message() == null ? "" : ": " + report.message()),
                    Priority.why(vip, node, report)));
    return table.lines();
  }

  private static String addresses(VirtualIp vip, boolean all) {
    var addresses = vip.getSpec().addresses().stream().map(a -> a.address()).toList();
    return all || addresses.size() < 2
        ? String.join(", ", addresses)
        : addresses.getFirst() + " +" + (addresses.size() - 1);
  }

  private static String masters(VirtualIp vip) {
    var reports = Reports.of(vip);
    var masters =
        Reports.masters(vip).stream()
            .map(node -> "%s (%s)".formatted(node, Priority.brief(vip, node, reports.get(node))))
            .collect(Collectors.joining(", "));
    return masters.isEmpty() ? NONE : masters;
  }

  private static String others(VirtualIp vip) {
    var others =
        Reports.of(vip).entrySet().stream()
            .filter(report -> report.getValue().state() != State.Master)
            .map(report -> other(vip, report))
            .collect(Collectors.joining(", "));
    return others.isEmpty() ? NONE : others;
  }

  private static String other(VirtualIp vip, Map.Entry<String, NodeStatus> report) {
    var node = report.getKey();
    return report.getValue().state() == State.Backup
        ? "%s (%s)".formatted(node, Priority.brief(vip, node, report.getValue()))
        : "%s %s".formatted(node, report.getValue().state());
  }

  private static String lastMove(VirtualIp vip, Instant now) {
    return moves(vip).stream()
        .filter(move -> move.what().to() == State.Master)
        .findFirst()
        .map(
            move ->
                "%s ago to %s, %s"
                    .formatted(Times.ago(move.what().at(), now), move.node(), move.what().reason()))
        .orElse(NONE);
  }

  /** The changes of all nodes, newest first. */
  private static List<Move> moves(VirtualIp vip) {
    var moves = new ArrayList<Move>();
    Reports.of(vip)
        .forEach(
            (node, report) ->
                Objects.requireNonNullElse(report.history(), List.<Transition>of()).stream()
                    .filter(what -> what != null && Times.instant(what.at()).isPresent())
                    .forEach(what -> moves.add(new Move(node, what))));
    moves.sort(
        Comparator.comparing((Move move) -> Times.instant(move.what().at()).orElseThrow())
            .reversed());
    return moves;
  }
}
