package dev.virtualip.e2e.bench;

import java.util.HashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * An agent's metrics at one moment.
 *
 * @param series values by name and labels, as in {@code virtualip_state{state="Master",vip="web"}}
 */
record Scrape(Map<String, Double> series) {
  private static final Pattern VIP = Pattern.compile("[{,]vip=\"([^\"]*)\"");

  /** Parses Prometheus' text format. */
  static Scrape of(String text) {
    return new Scrape(
        text.lines()
            .filter(line -> !line.isBlank() && !line.startsWith("#"))
            .collect(
                Collectors.toMap(
                    line -> line.substring(0, line.lastIndexOf(' ')),
                    line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))));
  }

  /** The greatest of a metric's series; empty if the agent does not have that metric. */
  OptionalDouble max(String metric) {
    return of(metric, "").mapToDouble(Map.Entry::getValue).max();
  }

  /** The sum of those of a metric's series that have this label, {@code name="value"}. */
  double sum(String metric, String label) {
    return of(metric, label).mapToDouble(Map.Entry::getValue).sum();
  }

  /** VirtualIPs whose counter has grown since an earlier scrape. */
  Set<String> counted(String counter, Scrape before) {
    var now = byVip(counter);
    before.byVip(counter).forEach((vip, count) -> now.merge(vip, -count, Double::sum));
    return now.entrySet().stream()
        .filter(entry -> entry.getValue() != 0)
        .map(Map.Entry::getKey)
        .collect(Collectors.toUnmodifiableSet());
  }

  private Map<String, Double> byVip(String metric) {
    var sums = new HashMap<String, Double>();
    of(metric, "")
        .forEach(
            entry -> {
              var vip = VIP.matcher(entry.getKey());
              sums.merge(vip.find() ? vip.group(1) : "", entry.getValue(), Double::sum);
            });
    return sums;
  }

  private Stream<Map.Entry<String, Double>> of(String metric, String label) {
    return series.entrySet().stream()
        .filter(entry -> entry.getKey().equals(metric) || entry.getKey().startsWith(metric + "{"))
        .filter(entry -> entry.getKey().contains(label));
  }
}
