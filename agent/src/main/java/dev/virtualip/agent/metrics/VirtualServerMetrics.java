package dev.virtualip.agent.metrics;

import dev.virtualip.agent.net.IpvsPort;
import dev.virtualip.agent.net.IpvsPort.DestinationStatistics;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.ServiceStatistics;
import dev.virtualip.crds.schema.VirtualIpStatus.VirtualServerStatus;
import dev.virtualip.crds.values.IpPrefix;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.net.Inet6Address;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Metrics of virtual servers, made when they are asked for, by the thread that asks. So the series
 * of a server that has gone is gone, and the event loop has no part in it.
 */
public final class VirtualServerMetrics implements MultiCollector {
  private static final Logger LOG = LoggerFactory.getLogger(VirtualServerMetrics.class);

  private final AgentMetrics metrics;
  private final Statistics kernel;

  /** Reads {@link IpvsPort#statistics}. */
  @FunctionalInterface
  public interface Statistics {
    /**
     * Counters of virtual services.
     *
     * @throws IOException if the kernel has no IPVS, or refuses
     */
    List<ServiceStatistics> of(Predicate<ServiceKey> wanted) throws IOException;
  }

  /** Which virtual server of which VirtualIP a virtual service is of. */
  public record Owner(String vip, String virtualServer) {}

  private record OfVirtualServer(
      String name, String help, ToLongFunction<VirtualServerStatus> value) {}

  private record OfServer(
      String name, String help, boolean counter, ToLongFunction<DestinationStatistics> value) {}

  private static final List<OfVirtualServer> OF_VIRTUAL_SERVERS =
      List.of(
          new OfVirtualServer(
              "virtualip_virtual_server_up",
              "1 if this node finds the quorum held, else 0; connections follow the master's view",
              status -> status.up() ? 1 : 0),
          new OfVirtualServer(
              "virtualip_virtual_server_weight_up",
              "Sum of the weights of the real servers that are up, as this node checks them",
              VirtualServerStatus::weightUp),
          new OfVirtualServer(
              "virtualip_virtual_server_servers_up",
              "Real servers that pass their checks on this node",
              VirtualServerStatus::serversUp),
          new OfVirtualServer(
              "virtualip_virtual_server_servers_down",
              "Real servers that fail a check on this node",
              VirtualServerStatus::serversDown));

  private static final List<OfServer> OF_SERVERS =
      List.of(
          counter("connections", "Connections to it", s -> s.counters().connections()),
          counter("incoming_packets", "Packets to it", s -> s.counters().incomingPackets()),
          counter(
              "outgoing_packets",
              "Packets from it, with Masquerade only",
              s -> s.counters().outgoingPackets()),
          counter("incoming_bytes", "Bytes to it", s -> s.counters().incomingBytes()),
          counter(
              "outgoing_bytes",
              "Bytes from it, with Masquerade only",
              s -> s.counters().outgoingBytes()),
          gauge("active", "Established connections", DestinationStatistics::active),
          gauge("inactive", "Connections in any other state", DestinationStatistics::inactive));

  /**
   * Metrics to be registered.
   *
   * @param metrics knows status and virtual services of the VirtualIPs
   * @param kernel through a socket of its own, for it must not keep the event loop waiting
   */
  public VirtualServerMetrics(AgentMetrics metrics, Statistics kernel) {
    this.metrics = metrics;
    this.kernel = kernel;
  }

  private static OfServer counter(
      String what, String help, ToLongFunction<DestinationStatistics> value) {
    var since = ", since this node has put the real server into IPVS";
    return new OfServer("virtualip_server_" + what, help + since, true, value);
  }

  private static OfServer gauge(
      String what, String help, ToLongFunction<DestinationStatistics> value) {
    var name = "virtualip_server_" + what + "_connections";
    return new OfServer(name, help + " of a real server that IPVS knows now", false, value);
  }

  @Override
  public MetricSnapshots collect() {
    var snapshots = new ArrayList<MetricSnapshot>();
    var statuses = statuses();
    if (!statuses.isEmpty()) {
      OF_VIRTUAL_SERVERS.forEach(metric -> snapshots.add(snapshot(metric, statuses)));
    }
    var statistics = statistics();
    if (!statistics.isEmpty()) {
      OF_SERVERS.forEach(metric -> snapshots.add(snapshot(metric, statistics)));
    }
    return new MetricSnapshots(snapshots);
  }

  private Map<Labels, VirtualServerStatus> statuses() {
    var statuses = new LinkedHashMap<Labels, VirtualServerStatus>();
    metrics
        .statuses()
        .forEach(
            (vip, status) -> {
              if (status.virtualServers() != null) {
                status
                    .virtualServers()
                    .forEach(
                        server ->
                            statuses.put(
                                Labels.of("vip", vip, "virtual_server", server.name()), server));
              }
            });
    return statuses;
  }

  /** Of the agent's own virtual services; empty where there are none, without asking the kernel. */
  private Map<Labels, DestinationStatistics> statistics() {
    var owners = metrics.services();
    var statistics = new LinkedHashMap<Labels, DestinationStatistics>();
    try {
      var services =
          owners.isEmpty() ? List.<ServiceStatistics>of() : kernel.of(owners::containsKey);
      for (var service : services) {
        var owner = owners.get(service.key());
        for (var server : service.destinations()) {
          statistics.put(labels(owner, service, server), server);
        }
      }
    } catch (IOException e) {
      LOG.warn("statistics_not_read error=\"{}\"", e.getMessage());
    }
    return statistics;
  }

  private static Labels labels(
      Owner owner, ServiceStatistics service, DestinationStatistics server) {
    return Labels.of(
        "vip",
        owner.vip(),
        "virtual_server",
        owner.virtualServer(),
        "service",
        service.key().toString(),
        "server",
        text(server));
  }

  private static String text(DestinationStatistics server) {
    var address = IpPrefix.text(server.address());
    return server.port() == 0
        ? address
        : (server.address() instanceof Inet6Address ? "[" + address + "]" : address)
            + ":"
            + server.port();
  }

  private static MetricSnapshot snapshot(
      OfVirtualServer metric, Map<Labels, VirtualServerStatus> statuses) {
    var gauge = GaugeSnapshot.builder().name(metric.name()).help(metric.help());
    statuses.forEach(
        (labels, status) ->
            gauge.dataPoint(new GaugeDataPointSnapshot(value(metric, status), labels, null)));
    return gauge.build();
  }

  private static double value(OfVirtualServer metric, VirtualServerStatus status) {
    return metric.value().applyAsLong(status);
  }

  private static MetricSnapshot snapshot(
      OfServer metric, Map<Labels, DestinationStatistics> statistics) {
    var counter = CounterSnapshot.builder().name(metric.name()).help(metric.help());
    var gauge = GaugeSnapshot.builder().name(metric.name()).help(metric.help());
    statistics.forEach(
        (labels, server) -> {
          long value = metric.value().applyAsLong(server);
          if (metric.counter()) {
            counter.dataPoint(new CounterDataPointSnapshot(value, labels, null, 0));
          } else {
            gauge.dataPoint(new GaugeDataPointSnapshot(value, labels, null));
          }
        });
    return metric.counter() ? counter.build() : gauge.build();
  }
}
