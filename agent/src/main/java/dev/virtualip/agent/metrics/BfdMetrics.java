package dev.virtualip.agent.metrics;

import dev.virtualip.agent.bfd.SessionState;
import dev.virtualip.agent.bfd.SessionStatus;
import dev.virtualip.agent.bfd.Snapshot;
import dev.virtualip.crds.values.IpPrefix;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/** Metrics of BFD's sessions, made when they are asked for; without sessions there are none. */
public final class BfdMetrics implements MultiCollector {
  private static final double SECOND = 1e9;

  private final Supplier<Snapshot> bfd;
  private final LongSupplier clock;

  private record OfSession(
      String name, String help, boolean counter, ToDoubleFunction<SessionStatus> value) {}

  private static final List<OfSession> OF_SESSIONS =
      List.of(
          new OfSession(
              "virtualip_bfd_session_up",
              "1 while the session of BFD with a neighbour is up, else 0",
              false,
              session -> session.state() == SessionState.Up ? 1 : 0),
          new OfSession(
              "virtualip_bfd_detection_seconds",
              "Silence after which the neighbour counts as gone, as both ends have agreed",
              false,
              session -> session.detection() / SECOND),
          new OfSession(
              "virtualip_bfd_packets_sent",
              "Packets of BFD to the neighbour",
              true,
              SessionStatus::sent),
          new OfSession(
              "virtualip_bfd_packets_received",
              "Valid packets of BFD from the neighbour",
              true,
              SessionStatus::received),
          new OfSession(
              "virtualip_bfd_neighbour_lost",
              "How often the session has ended by a failure of the neighbour",
              true,
              SessionStatus::lost));

  /**
   * Metrics to be registered.
   *
   * @param clock the clock of {@link SessionStatus#since}
   */
  public BfdMetrics(Supplier<Snapshot> bfd, LongSupplier clock) {
    this.bfd = bfd;
    this.clock = clock;
  }

  @Override
  public MetricSnapshots collect() {
    var snapshot = bfd.get();
    var metrics = new ArrayList<MetricSnapshot>();
    if (!snapshot.sessions().isEmpty()) {
      OF_SESSIONS.forEach(metric -> metrics.add(snapshot(metric, snapshot.sessions())));
      metrics.add(snapshot(age(), snapshot.sessions()));
    }
    if (!snapshot.rejected().isEmpty()) {
      metrics.add(rejected(snapshot));
    }
    return new MetricSnapshots(metrics);
  }

  private OfSession age() {
    long now = clock.getAsLong();
    return new OfSession(
        "virtualip_bfd_session_state_seconds",
        "How long the session has been in its state",
        false,
        session -> Math.max(0, now - session.since()) / SECOND);
  }

  private static Labels labels(SessionStatus session) {
    var peer = IpPrefix.text(session.neighbour().address());
    return Labels.of("interface", session.nic(), "peer", peer);
  }

  private static MetricSnapshot snapshot(OfSession metric, List<SessionStatus> sessions) {
    var counter = CounterSnapshot.builder().name(metric.name()).help(metric.help());
    var gauge = GaugeSnapshot.builder().name(metric.name()).help(metric.help());
    for (var session : sessions) {
      double value = metric.value().applyAsDouble(session);
      if (metric.counter()) {
        counter.dataPoint(new CounterDataPointSnapshot(value, labels(session), null, 0));
      } else {
        gauge.dataPoint(new GaugeDataPointSnapshot(value, labels(session), null));
      }
    }
    return metric.counter() ? counter.build() : gauge.build();
  }

  private static MetricSnapshot rejected(Snapshot snapshot) {
    var counter =
        CounterSnapshot.builder()
            .name("virtualip_bfd_packets_rejected")
            .help("Packets to BFD's UDP port 3784 that were dropped");
    snapshot
        .rejected()
        .forEach(
            (reason, count) ->
                counter.dataPoint(
                    new CounterDataPointSnapshot(
                        count, Labels.of("reason", reason.name()), null, 0)));
    return counter.build();
  }
}
