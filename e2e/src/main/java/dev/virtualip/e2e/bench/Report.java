package dev.virtualip.e2e.bench;

import dev.virtualip.e2e.bench.Results.Pair;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Tables for people. */
final class Report {
  /** Milliseconds below which an outage may not be due to the move. */
  private static final double NOTICEABLE_MIN = 30;

  private static final String HEAD = "%-29s %-22s %-22s %6s";

  private final Results results;
  private final PrintWriter out;

  Report(Results results, PrintWriter out) {
    this.results = results;
    this.out = out;
  }

  /** Prints a table for each setup in which something was measured. */
  void print(
      List<Setup> classics,
      List<Setup> mixed,
      List<Setup> planned,
      List<Setup> scales,
      List<Setup> many,
      List<Setup> loads) {
    classics.forEach(this::moves);
    classics.forEach(this::takeovers);
    scales.forEach(this::takeovers);
    mixed.forEach(this::mixed);
    planned.forEach(this::planned);
    scale(scales);
    many(many);
    starts(classics, scales);
    load(loads);
    footprint(results.footprint());
    operator(results.operator());
    edits(results.edits());
    results.failures().forEach(failure -> line("FAILED: " + failure));
  }

  private void footprint(List<Footprint.Figures> all) {
    if (all.isEmpty()) {
      return;
    }
    title("Master of everything; memory in MiB");
    var row = "%-23s %-26s %-20s %9s %9s %10s %7s";
    line(row, "", "", "start to Backup, ms", "resident", "part of", "anonymous", "CPU %");
    for (var one : all) {
      line(
          row,
          one.what(),
          one.who(),
          figures(one.start()),
          one.resident(),
          one.proportional(),
          one.anonymous(),
          one.cpu());
    }
  }

  private void operator(OperatorScale.Figures figures) {
    if (figures == null) {
      return;
    }
    title("%d VirtualIPs, %d nodes".formatted(figures.virtualIps(), figures.nodes()));
    var times = "%-44s median %.0f ms, p99 %.0f ms, at most %.0f ms";
    var atOnce = figures.allAtOnce();
    var oneByOne = figures.oneByOne();
    line(
        times,
        "all created at once, until Accepted",
        atOnce.median(),
        figures.p99AllAtOnce(),
        atOnce.max());
    line(
        times,
        "one edited, until Accepted",
        oneByOne.median(),
        figures.p99OneByOne(),
        oneByOne.max());
    line("%-44s %.2f", "operator: requests for an edit", figures.requestsPerEdit());
    var costs = "%-44s heap %.0f MiB, resident %.0f MiB, %.2f %% of a core";
    line(
        costs,
        "operator at rest",
        figures.operatorHeapMib(),
        figures.operatorMib(),
        figures.operatorCpu());
    line(
        costs,
        "agent of ten of them at rest",
        figures.agentHeapMib(),
        figures.agentMib(),
        figures.agentCpu());
  }

  private void edits(Edits.Figures figures) {
    if (figures == null) {
      return;
    }
    title(
        "%d VirtualIPs, %d of them on both nodes with adverts every %d ms; another one is edited"
            .formatted(figures.virtualIps(), figures.own(), figures.advertMillis()));
    line("agent: %s", figures.agent());
    line("API server: %s", figures.apiServer());
    for (var phase : figures.phases()) {
      line(
          "%s: %d edits in %.1f s, load average %.1f; %d VirtualIPs changed their master",
          phase.what(),
          phase.edits(),
          phase.seconds(),
          phase.loadAverage(),
          phase.mastersChanged());
      phase.nodes().forEach(this::edits);
    }
    line("The latest deadline: of the time named, or of some minutes before it.");
  }

  private void edits(Edits.OnNode node) {
    line(
        "  %s: master of %d; deadlines at most %.1f ms late, %d of %d more than 10 ms;"
            + " %d of %d turns more than 10 ms; %.1f %% of a core",
        node.node(),
        node.masterOf(),
        node.latenessMillis(),
        node.lateDeadlines(),
        node.deadlines(),
        node.longTurns(),
        node.turns(),
        node.cpu());
  }

  private void moves(Setup setup) {
    var played = List.of(Move.values()).stream().filter(m -> pair(setup, m) != null).toList();
    if (played.isEmpty()) {
      return;
    }
    title("Client without service, ms: %s, one address".formatted(setup.name()));
    line(HEAD + "  %-17s %s", "", "virtualip", "keepalived", "ratio", "two owners", "no owner");
    for (var move : played) {
      line(
          HEAD + "  %-17s %s",
          move,
          figures(pair(setup, move).ours()),
          figures(pair(setup, move).keepalived()),
          ratio(pair(setup, move)),
          twoOwners(setup, move),
          medians(results.pair(setup, move.key(), Sample::noOwner)));
    }
    line("Median (least to most) of %s runs; two owners, no owner: median,".formatted(runs(setup)));
    line("virtualip / keepalived; +: both still had it when the watch ended.");
  }

  /** From node-b's first advert on: what is left of a move when its timers are over. */
  private void takeovers(Setup setup) {
    var keys = new ArrayList<>(List.of(Move.values()).stream().map(Move::key).toList());
    keys.add(Failover.AGAIN);
    keys.removeIf(key -> results.takeovers(setup, key, 0, Contender.OURS).isEmpty());
    if (keys.isEmpty()) {
      return;
    }
    title("From the first advert of the new master to its first answer, ms: " + setup.name());
    line(HEAD, "", "virtualip", "keepalived", "");
    for (var key : keys) {
      int after = key.equals(Failover.AGAIN) ? Bench.WARM_UP : 0;
      line(
          HEAD,
          key,
          figures(results.takeovers(setup, key, after, Contender.OURS)),
          figures(results.takeovers(setup, key, after, Contender.KEEPALIVED)),
          "");
    }
  }

  private static String figures(List<Double> all) {
    return all.isEmpty() ? "–" : figures(Stats.of(all));
  }

  private void mixed(Setup setup) {
    var contenders = new ArrayList<>(Contender.MIXED);
    contenders.add(Contender.KEEPALIVED);
    var played =
        List.of(Move.values()).stream()
            .filter(
                move ->
                    contenders.stream()
                        .noneMatch(c -> results.samples(setup, move.key(), c).isEmpty()))
            .toList();
    if (played.isEmpty()) {
      return;
    }
    title("One program on each node, client without service, ms: " + setup.name());
    line(
        "%-22s %-26s %-26s %s",
        "", Contender.OURS_FIRST, Contender.KEEPALIVED_FIRST, Contender.KEEPALIVED);
    for (var move : played) {
      var figures =
          contenders.stream()
              .map(c -> results.stats(setup, move.key(), c, Sample::outage))
              .map(Report::figures)
              .toList();
      line("%-22s %-26s %-26s %s", move, figures.get(0), figures.get(1), figures.get(2));
    }
  }

  private void planned(Setup setup) {
    if (results.plannedPair(setup, PlannedMoves.UPGRADE, Planned::outage) == null) {
      return;
    }
    title("Planned, client without service, ms: %s, one address".formatted(setup.name()));
    line(
        HEAD + "  %-17s %s",
        "",
        "virtualip",
        "keepalived's stop",
        "ratio",
        "two owners",
        "no owner");
    for (var move : PlannedMoves.MOVES) {
      var pair = results.plannedPair(setup, move, Planned::outage);
      line(
          HEAD + "  %-17s %s",
          move,
          figures(pair.ours()),
          figures(pair.keepalived()),
          ratio(pair),
          medians(results.plannedPair(setup, move, Planned::twoOwners)),
          medians(results.plannedPair(setup, move, Planned::noOwner)));
    }
  }

  private long runs(Setup setup) {
    return results.samples().stream()
        .filter(s -> s.setup().equals(setup.name()) && !s.move().equals(Failover.AGAIN))
        .mapToInt(Sample::run)
        .distinct()
        .count();
  }

  private Pair pair(Setup setup, Move move) {
    return results.pair(setup, move.key(), Sample::outage);
  }

  private void scale(List<Setup> setups) {
    for (var move : Move.values()) {
      var played = setups.stream().filter(setup -> pair(setup, move) != null).toList();
      if (!played.isEmpty()) {
        title("All at once, ms: %s, adverts every second".formatted(move));
        line(HEAD + "  %-17s %s", "", "virtualip", "keepalived", "ratio", "two owners", "no owner");
      }
      for (var setup : played) {
        line(
            HEAD + "  %-17s %s",
            setup.name(),
            figures(pair(setup, move).ours()),
            figures(pair(setup, move).keepalived()),
            ratio(pair(setup, move)),
            twoOwners(setup, move),
            medians(results.pair(setup, move.key(), Sample::noOwner)));
      }
    }
  }

  private void many(List<Setup> setups) {
    var keys = new ArrayList<>(List.of(Failover.FAILBACK));
    List.of(Move.values()).forEach(move -> keys.add(move.key()));
    for (var key : keys) {
      var played =
          setups.stream().filter(s -> results.pair(s, key, Sample::outage) != null).toList();
      if (!played.isEmpty()) {
        title("Many addresses, ms: " + key);
        line(
            HEAD + "  %-17s %-17s %s",
            "",
            "virtualip",
            "keepalived",
            "ratio",
            "two owners",
            "ARP frames",
            "CPU of node-b");
      }
      for (var setup : played) {
        var outage = results.pair(setup, key, Sample::outage);
        line(
            HEAD + "  %-17s %-17s %s",
            setup.name(),
            figures(outage.ours()),
            figures(outage.keepalived()),
            ratio(outage),
            twoOwners(setup, key),
            medians(results.pair(setup, key, Sample::frames)),
            medians(results.pair(setup, key, Sample::cpu)));
      }
    }
  }

  private void starts(List<Setup> classics, List<Setup> scales) {
    var all = new ArrayList<>(classics);
    all.addAll(scales);
    all.removeIf(setup -> results.startPair(setup) == null);
    if (all.isEmpty()) {
      return;
    }
    title("From the start of the program to Backup, ms");
    line(HEAD, "", "virtualip", "keepalived", "ratio");
    for (var setup : all) {
      var pair = results.startPair(setup);
      line(
          HEAD,
          setup.name(),
          figures(pair.ours()),
          figures(pair.keepalived()),
          "%.1f".formatted(pair.ratio()));
    }
  }

  private void load(List<Setup> setups) {
    var measured =
        setups.stream().filter(s -> results.loadPair(s, Load::masterCpu) != null).toList();
    if (measured.isEmpty()) {
      return;
    }
    title("While nothing happens, medians: virtualip / keepalived");
    var row = "%-29s %-18s %-18s %-18s %s";
    line(row, "", "master CPU %", "backup CPU %", "master RSS MiB", "backup RSS MiB");
    for (var setup : measured) {
      line(
          row,
          setup.name(),
          both("%.2f", results.loadPair(setup, Load::masterCpu)),
          both("%.2f", results.loadPair(setup, Load::backupCpu)),
          both("%.0f", results.loadPair(setup, Load::masterMib)),
          both("%.0f", results.loadPair(setup, Load::backupMib)));
    }
  }

  private String twoOwners(Setup setup, Move move) {
    return twoOwners(setup, move.key());
  }

  private String twoOwners(Setup setup, String move) {
    var pair = results.pair(setup, move, Sample::twoOwners);
    return "%.0f%s / %.0f%s"
        .formatted(
            pair.ours().median(),
            open(setup, move, Contender.OURS),
            pair.keepalived().median(),
            open(setup, move, Contender.KEEPALIVED));
  }

  private String open(Setup setup, String move, Contender contender) {
    return results.samples(setup, move, contender).stream().anyMatch(Sample::twoOwnersAtEnd)
        ? "+"
        : "";
  }

  private static String figures(Stats stats) {
    return "%.0f (%.0f to %.0f)".formatted(stats.median(), stats.min(), stats.max());
  }

  private static String ratio(Pair pair) {
    boolean noise =
        pair.ours().median() < NOTICEABLE_MIN && pair.keepalived().median() < NOTICEABLE_MIN;
    return noise ? "none" : "%.2f".formatted(pair.ratio());
  }

  private static String medians(Pair pair) {
    return both("%.0f", pair);
  }

  private static String both(String format, Pair pair) {
    return (format + " / " + format).formatted(pair.ours().median(), pair.keepalived().median());
  }

  private void title(String text) {
    out.println();
    out.println("== " + text);
  }

  private void line(String format, Object... values) {
    out.println(
        values.length == 0 ? format : String.format(Locale.ROOT, format, values).stripTrailing());
  }
}
