package dev.virtualip.e2e.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * Draws the results: a panel for each setup, a row for each move, a dot for each run, a bar at the
 * median.
 */
final class Plot {
  private static final int WIDTH = 960;
  private static final int LEFT = 190;
  private static final int GAP = 70;
  private static final int SMALL = 220;
  private static final int BIG = WIDTH - LEFT - GAP - SMALL - 40;
  private static final int ROW = 40;
  private static final int LANE = 13;
  private static final int TICKS = 5;

  private final Results results;
  private final StringBuilder body = new StringBuilder();
  private int y = 40;

  /** A row of a panel. */
  private record Row(String name, Setup setup, Move move) {}

  Plot(Results results) {
    this.results = results;
  }

  /** The whole file. */
  String svg(List<Setup> classics, List<Setup> scales) {
    legend();
    for (var setup : classics) {
      var rows = new ArrayList<Row>();
      for (var move : Move.values()) {
        rows.add(new Row(move.toString(), setup, move));
      }
      panel(setup.name() + ": one address", rows);
    }
    for (var move : Move.values()) {
      panel(
          move + ": all at once, v2, 1 s",
          scales.stream().map(setup -> new Row(setup.name(), setup, move)).toList());
    }
    return """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif">
        <style>
        svg { background: #fff } text { font-size: 12px; fill: #333 } .title { font-size: 14px; font-weight: bold }
        .axis { stroke: #ccc; stroke-width: 1 } .virtualip { fill: #0b6bcb } .keepalived { fill: #d9730d }
        circle { fill-opacity: .45 } .end { text-anchor: end } .middle { text-anchor: middle; fill: #777 }
        </style>
        %s</svg>
        """
        .formatted(WIDTH, y, body);
  }

  private void legend() {
    int x = LEFT;
    for (var contender : Contender.ALIKE) {
      add("<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"4\"/>", contender, x, y - 20);
      add("<text x=\"%d\" y=\"%d\">%s</text>", x + 9, y - 16, contender);
      x += 110;
    }
    add("<text x=\"%d\" y=\"%d\">a dot a run, a bar at the median</text>", x, y - 16);
  }

  private void panel(String title, List<Row> all) {
    var rows = all.stream().filter(row -> outages(row) != null).toList();
    if (rows.isEmpty()) {
      return;
    }
    y += 24;
    add("<text class=\"title\" x=\"10\" y=\"%d\">%s</text>", y, title);
    y += 22;
    int small = LEFT + BIG + GAP;
    add("<text x=\"%d\" y=\"%d\">client without service, ms</text>", LEFT, y);
    add("<text x=\"%d\" y=\"%d\">two nodes have it, ms</text>", small, y);
    y += 10;
    int height = rows.size() * ROW;
    double outageMax = max(rows, Sample::outage);
    double twoMax = max(rows, Sample::twoOwners);
    axis(LEFT, BIG, height, outageMax);
    axis(small, SMALL, height, twoMax);
    for (var row : rows) {
      add(
          "<text class=\"end\" x=\"%d\" y=\"%d\">%s</text>",
          LEFT - 12, y + ROW / 2 + 4, row.name());
      for (var contender : Contender.ALIKE) {
        int lane = y + ROW / 2 + (contender == Contender.OURS ? -LANE : LANE) / 2;
        var samples = results.samples(row.setup(), row.move().key(), contender);
        dots(contender, samples, Sample::outage, LEFT, BIG / outageMax, lane);
        dots(contender, samples, Sample::twoOwners, small, SMALL / twoMax, lane);
        if (samples.stream().anyMatch(Sample::twoOwnersAtEnd)) {
          add(
              "<text class=\"%s\" x=\"%d\" y=\"%d\">&#8594;</text>",
              contender, small + SMALL + 8, lane + 4);
        }
      }
      y += ROW;
    }
    y += 30;
  }

  private Results.Pair outages(Row row) {
    return results.pair(row.setup(), row.move().key(), Sample::outage);
  }

  /** The end of an axis: a round number not below any of its values. */
  private double max(List<Row> rows, ToDoubleFunction<Sample> figure) {
    double most =
        rows.stream()
            .map(row -> results.pair(row.setup(), row.move().key(), figure))
            .mapToDouble(pair -> Math.max(pair.ours().max(), pair.keepalived().max()))
            .max()
            .orElse(0);
    double step = TICKS * Math.pow(10, Math.floor(Math.log10(Math.max(most, 10))) - 1);
    return step * Math.max(1, Math.ceil(most / step));
  }

  private void axis(int x, int width, int height, double max) {
    for (int tick = 0; tick <= TICKS; tick++) {
      double at = x + (double) width * tick / TICKS;
      add(
          "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>",
          at, at, y, y + height);
      add(
          "<text class=\"middle\" x=\"%.1f\" y=\"%d\">%.0f</text>",
          at, y + height + 15, max * tick / TICKS);
    }
  }

  private void dots(
      Contender contender,
      List<Sample> samples,
      ToDoubleFunction<Sample> figure,
      int x,
      double scale,
      int lane) {
    for (var sample : samples) {
      add(
          "<circle class=\"%s\" cx=\"%.1f\" cy=\"%d\" r=\"3\"/>",
          contender, x + figure.applyAsDouble(sample) * scale, lane);
    }
    var median = Stats.of(samples.stream().map(figure::applyAsDouble).toList()).median();
    add(
        "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"2\" height=\"12\"/>",
        contender, x + median * scale - 1, lane - 6);
  }

  private void add(String format, Object... values) {
    body.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
