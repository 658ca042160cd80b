package dev.virtualip.e2e.bench;

import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/**
 * All that was measured.
 *
 * @param environment the machine and the versions, by name
 * @param samples moves, by the key of a {@link Move} or as a {@link Failover#FAILBACK}
 * @param planned planned hand-overs, and keepalived's stop
 * @param loads processor time and memory while nothing happens
 * @param footprint what one program needs on a node
 * @param operator the operator with many VirtualIPs, or null if that was not measured
 * @param edits agents while a VirtualIP of other nodes is edited, or null if that was not measured
 * @param failures moves that had another end than expected, in words
 */
record Results(
    Map<String, String> environment,
    List<Sample> samples,
    List<Planned> planned,
    List<Load> loads,
    List<Footprint.Figures> footprint,
    OperatorScale.Figures operator,
    Edits.Figures edits,
    List<String> failures) {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /** The figures of both contenders in one setup. */
  record Pair(Stats ours, Stats keepalived) {
    /** Our median divided by keepalived's. */
    double ratio() {
      return ours.median() / keepalived.median();
    }
  }

  /** The moves of a setup and kind by a contender. */
  List<Sample> samples(Setup setup, String move, Contender contender) {
    return samples.stream()
        .filter(of(setup, move))
        .filter(sample -> sample.contender().equals(contender.toString()))
        .toList();
  }

  /** Figures of a contender that has been measured. */
  Stats stats(Setup setup, String move, Contender contender, ToDoubleFunction<Sample> figure) {
    return stats(samples(setup, move, contender), figure);
  }

  /** Figures of both contenders, or null while either has none. */
  Pair pair(Setup setup, String move, ToDoubleFunction<Sample> figure) {
    var ours = samples(setup, move, Contender.OURS);
    var keepalived = samples(setup, move, Contender.KEEPALIVED);
    return ours.isEmpty() || keepalived.isEmpty()
        ? null
        : new Pair(stats(ours, figure), stats(keepalived, figure));
  }

  /**
   * Times from the first advert of the new master to its first answer; empty if there are none.
   *
   * @param after only runs after this one count
   */
  List<Double> takeovers(Setup setup, String move, int after, Contender contender) {
    return samples(setup, move, contender).stream()
        .filter(sample -> sample.run() > after)
        .map(Sample::parts)
        .filter(parts -> parts.elected() != null && parts.served() != null)
        .map(parts -> parts.served() - parts.elected())
        .toList();
  }

  /** Figures of a setup in all its moves. */
  Pair startPair(Setup setup) {
    var ours = started(setup, Contender.OURS);
    var keepalived = started(setup, Contender.KEEPALIVED);
    return ours.isEmpty() || keepalived.isEmpty()
        ? null
        : new Pair(stats(ours, Sample::startToBackup), stats(keepalived, Sample::startToBackup));
  }

  private List<Sample> started(Setup setup, Contender contender) {
    return samples.stream()
        .filter(s -> s.setup().equals(setup.name()) && s.contender().equals(contender.toString()))
        .toList();
  }

  /** Figures of the loads of both contenders, or null while either has none. */
  Pair loadPair(Setup setup, ToDoubleFunction<Load> figure) {
    var ours = loads(setup, Contender.OURS);
    var keepalived = loads(setup, Contender.KEEPALIVED);
    return ours.isEmpty() || keepalived.isEmpty()
        ? null
        : new Pair(stats(ours, figure), stats(keepalived, figure));
  }

  private List<Load> loads(Setup setup, Contender contender) {
    return loads.stream()
        .filter(l -> l.setup().equals(setup.name()) && l.contender().equals(contender.toString()))
        .toList();
  }

  /** Figures of a planned hand-over and of keepalived's stop, or null while either has none. */
  Pair plannedPair(Setup setup, String move, ToDoubleFunction<Planned> figure) {
    var ours = planned(setup, move);
    var keepalived = planned(setup, PlannedMoves.STOP);
    return ours.isEmpty() || keepalived.isEmpty()
        ? null
        : new Pair(stats(ours, figure), stats(keepalived, figure));
  }

  private List<Planned> planned(Setup setup, String move) {
    return planned.stream()
        .filter(p -> p.setup().equals(setup.name()) && p.move().equals(move))
        .toList();
  }

  private static <T> Stats stats(List<T> all, ToDoubleFunction<T> figure) {
    return Stats.of(all.stream().map(figure::applyAsDouble).toList());
  }

  private static Predicate<Sample> of(Setup setup, String move) {
    return sample -> sample.setup().equals(setup.name()) && sample.move().equals(move);
  }

  /** Reads what {@link #write} has written. */
  static Results read(Path file) throws IOException {
    return JSON.readValue(file.toFile(), Results.class);
  }

  /** Writes the results as JSON, and replaces the file atomically. */
  void write(Path file) {
    try {
      replace(file, JSON.writeValueAsString(this) + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Replaces the content of a file atomically. */
  static void replace(Path file, String text) throws IOException {
    var next = Files.writeString(file.resolveSibling(file.getFileName() + ".next"), text);
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
  }
}
