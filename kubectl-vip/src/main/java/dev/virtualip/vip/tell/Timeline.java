package dev.virtualip.vip.tell;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.Drill;
import dev.virtualip.crds.schema.VirtualIpStatus.Transition;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * The last changes of all nodes on one time axis. Changes that are close to each other are one
 * move, drawn as a waterfall over the time that it took.
 */
public final class Timeline {
  private static final int COLUMNS = 32;

  /** A pause of this length ends a move. */
  private static final Duration PAUSE = Duration.ofSeconds(2);

  /** A drill is of the move that begins so long after it was asked for. */
  private static final Duration DRILL = Duration.ofSeconds(30);

  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSS").withZone(ZoneOffset.UTC);
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(ZoneOffset.UTC);

  /** A change of a node's state, from its cause to its end. */
  private record Change(String node, Transition what, Instant begin, Instant end) {
    static Change of(String node, Transition what, Instant at) {
      var took = Took.of(what);
      var begin = at.minus(took.part("decided"));
      return new Change(node, what, begin, begin.plus(took.total()));
    }
  }

  private Timeline() {}

  /** The lines, the oldest move first. */
  public static List<String> of(VirtualIp vip) {
    var lines = new ArrayList<String>();
    var name = vip.getMetadata().getName();
    var moves = moves(changes(vip));
    if (moves.isEmpty()) {
      lines.add(name + ": no node has changed its state since its agent started");
    } else {
      lines.add(name + ": times in UTC, as each node's clock has them");
    }
    var drill = vip.getStatus() == null ? null : vip.getStatus().lastDrill();
    boolean told = drill == null;
    for (var move : moves) {
      lines.add("");
      waterfall(move, lines);
      if (!told && isOf(drill, move)) {
        lines.add("  " + lost(drill));
        told = true;
      }
    }
    if (!told) {
      lines.add("");
      lines.add("%s, %s".formatted(drill.at(), lost(drill)));
    }
    return lines;
  }

  private static List<Change> changes(VirtualIp vip) {
    var changes = new ArrayList<Change>();
    Reports.of(vip)
        .forEach(
            (node, report) ->
                Objects.requireNonNullElse(report.history(), List.<Transition>of()).stream()
                    .filter(Objects::nonNull)
                    .forEach(
                        what ->
                            Times.instant(what.at())
                                .ifPresent(at -> changes.add(Change.of(node, what, at)))));
    changes.sort(Comparator.comparing(Change::begin).thenComparing(Change::node));
    return changes;
  }

  private static List<List<Change>> moves(List<Change> changes) {
    var moves = new ArrayList<List<Change>>();
    var end = Instant.MIN;
    for (var change : changes) {
      if (moves.isEmpty() || change.begin().isAfter(end.plus(PAUSE))) {
        moves.add(new ArrayList<>());
        end = Instant.MIN;
      }
      moves.getLast().add(change);
      end = change.end().isAfter(end) ? change.end() : end;
    }
    return moves;
  }

  private static Instant end(List<Change> move) {
    return move.stream().map(Change::end).max(Comparator.naturalOrder()).orElseThrow();
  }

  private static void waterfall(List<Change> move, List<String> lines) {
    var begin = move.getFirst().begin();
    var span = Duration.between(begin, end(move));
    lines.add(
        "%s to %s, %s".formatted(DATE.format(begin), TIME.format(end(move)), Times.text(span)));
    var table = new Table("  NODE", "CHANGE", "WHY", " ".repeat(COLUMNS + 2), "AFTER", "TOOK");
    for (var change : move) {
      var what = change.what();
      table.row(
          "  " + change.node(),
          what.from() + " > " + what.to(),
          Objects.requireNonNullElse(what.reason(), ""),
          bar(Duration.between(begin, change.begin()), Duration.between(begin, change.end()), span),
          Times.text(Duration.between(begin, change.begin())),
          Objects.requireNonNullElse(what.took(), ""));
    }
    lines.addAll(table.lines());
  }

  private static String bar(Duration from, Duration to, Duration span) {
    long whole = Math.max(1, span.toNanos());
    int first = (int) Math.min(COLUMNS - 1, from.toNanos() * COLUMNS / whole);
    int last = Math.clamp(Math.ceilDiv(to.toNanos() * COLUMNS, whole), first + 1, COLUMNS);
    return "|" + " ".repeat(first) + "#".repeat(last - first) + " ".repeat(COLUMNS - last) + "|";
  }

  private static boolean isOf(Drill drill, List<Change> move) {
    var asked = Times.instant(drill.at()).orElse(Instant.MIN);
    return !end(move).isBefore(asked) && move.getFirst().begin().isBefore(asked.plus(DRILL));
  }

  private static String lost(Drill drill) {
    var back =
        drill.backLostMillis() == null
            ? ""
            : ", and for %d ms while it moved back".formatted(drill.backLostMillis());
    return "drill from %s to %s: a client was without service for %s ms%s"
        .formatted(drill.from(), drill.to(), drill.lostMillis(), back);
  }
}
