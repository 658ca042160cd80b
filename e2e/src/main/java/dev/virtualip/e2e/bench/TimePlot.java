package dev.virtualip.e2e.bench;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Draws figures over time: a panel for each figure, from zero, and a line for each program. */
final class TimePlot {
  private static final int WIDTH = 960;
  private static final int LEFT = 60;
  private static final int RIGHT = WIDTH - 20;
  private static final int HEIGHT = 200;
  private static final int TICKS = 5;
  private static final List<String> COLOURS = List.of("#0b6bcb", "#d9730d", "#2f8f4e", "#8250df");

  private final String unit;
  private final StringBuilder body = new StringBuilder();
  private int y = 10;

  /**
   * @param unit of the time, as the axis names it
   */
  TimePlot(String unit) {
    this.unit = unit;
  }

  /**
   * Adds a panel.
   *
   * @param lines points (time, figure) by the name of what they are of
   */
  void panel(String title, Map<String, List<double[]>> lines) {
    y += 20;
    add("<text class=\"title\" x=\"%d\" y=\"%d\">%s</text>", LEFT, y, title);
    double end = most(lines, 0);
    double top = most(lines, 1);
    int x = LEFT + 220;
    int colour = 0;
    for (var line : lines.entrySet()) {
      var stroke = COLOURS.get(colour++ % COLOURS.size());
      add("<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>", x, y, stroke, line.getKey());
      x += 160;
      var points =
          line.getValue().stream()
              .map(
                  p ->
                      String.format(
                          Locale.ROOT,
                          "%.1f,%.1f",
                          LEFT + (RIGHT - LEFT) * p[0] / end,
                          y + 10 + HEIGHT * (1 - p[1] / top)))
              .collect(Collectors.joining(" "));
      add("<polyline fill=\"none\" stroke=\"%s\" points=\"%s\"/>", stroke, points);
    }
    y += 10;
    for (int tick = 0; tick <= TICKS; tick++) {
      double level = y + HEIGHT * (1 - (double) tick / TICKS);
      double at = LEFT + (double) (RIGHT - LEFT) * tick / TICKS;
      add(
          "<line stroke=\"#ccc\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%3$.1f\"/>",
          LEFT, RIGHT, level);
      add(
          "<text class=\"end\" x=\"%d\" y=\"%.1f\">%.0f</text>",
          LEFT - 6, level + 4, top * tick / TICKS);
      add(
          "<text class=\"end\" x=\"%.1f\" y=\"%d\">%.0f %s</text>",
          at + 10, y + HEIGHT + 16, end * tick / TICKS, unit);
    }
    y += HEIGHT + 30;
  }

  /** The end of an axis: a multiple of its ticks not below any value. */
  private static double most(Map<String, List<double[]>> lines, int axis) {
    double most =
        lines.values().stream()
            .flatMap(List::stream)
            .mapToDouble(point -> point[axis])
            .max()
            .orElse(1);
    return TICKS * Math.ceil(Math.max(most, 1) / TICKS);
  }

  /** The whole file. */
  String svg() {
    return """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif">
        <style>
        svg { background: #fff } text { font-size: 12px } .title { font-size: 14px; font-weight: bold }
        .end { text-anchor: end }
        </style>
        %s</svg>
        """
        .formatted(WIDTH, y, body);
  }

  private void add(String format, Object... values) {
    body.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
