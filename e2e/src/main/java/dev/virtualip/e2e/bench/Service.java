package dev.virtualip.e2e.bench;

import dev.virtualip.e2e.lab.Probe;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The service that a client got: its successful requests by the time of their answers. The time of
 * a request does not count, since one sent during an outage may be answered at the end of it.
 */
record Service(List<Answer> answers) {
  /** A successful request. */
  record Answer(Instant time, String host) {}

  /** The successes of a probe, in order. */
  static Service of(List<Probe.Sample> samples) {
    return new Service(
        samples.stream()
            .filter(Probe.Sample::ok)
            .map(sample -> new Answer(sample.start().plus(sample.took()), sample.answer()))
            .sorted(Comparator.comparing(Answer::time))
            .toList());
  }

  /** The longest time without an answer that ends or begins within {@code from} and {@code to}. */
  Duration longestOutage(Instant from, Instant to) {
    var longest = Duration.ZERO;
    Instant last = null;
    for (var answer : answers) {
      if (answer.time().isAfter(to)) {
        break;
      }
      if (last != null && !answer.time().isBefore(from)) {
        var gap = Duration.between(last, answer.time());
        longest = gap.compareTo(longest) > 0 ? gap : longest;
      }
      last = answer.time();
    }
    var rest = last == null ? Duration.between(from, to) : Duration.between(last, to);
    return rest.compareTo(longest) > 0 ? rest : longest;
  }

  /** The first answer of a host to a moment or later. */
  Optional<Instant> firstBy(String host, Instant since) {
    return answers.stream()
        .filter(answer -> answer.host().equals(host) && !answer.time().isBefore(since))
        .map(Answer::time)
        .findFirst();
  }
}
