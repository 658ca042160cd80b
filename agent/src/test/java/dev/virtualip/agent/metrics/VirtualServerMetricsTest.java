package dev.virtualip.agent.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.metrics.VirtualServerMetrics.Owner;
import dev.virtualip.agent.net.IpvsPort.Counters;
import dev.virtualip.agent.net.IpvsPort.DestinationStatistics;
import dev.virtualip.agent.net.IpvsPort.Protocol;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.ServiceStatistics;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.schema.VirtualIpStatus.VirtualServerStatus;
import dev.virtualip.crds.values.IpPrefix;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

class VirtualServerMetricsTest {
  private static final ServiceKey OURS =
      ServiceKey.of(Protocol.TCP, IpPrefix.parseAddress("203.0.113.10"), 80);
  private static final ServiceKey OTHERS =
      ServiceKey.of(Protocol.TCP, IpPrefix.parseAddress("203.0.113.11"), 80);

  private final AgentMetrics metrics = new AgentMetrics(new SimpleMeterRegistry());
  private List<ServiceStatistics> kernel =
      List.of(service(OURS, "10.0.0.21", 5), service(OTHERS, "10.0.0.22", 7));
  private boolean refuses;

  private static ServiceStatistics service(ServiceKey key, String server, long connections) {
    var counters = new Counters(connections, 10, 8, 1_000, 20_000);
    var address = IpPrefix.parseAddress(server);
    return new ServiceStatistics(
        key, counters, List.of(new DestinationStatistics(address, 8080, 2, 3, 0, counters)));
  }

  private List<ServiceStatistics> statistics(Predicate<ServiceKey> wanted) throws IOException {
    if (refuses) {
      throw new IOException("EPERM");
    }
    return kernel.stream().filter(service -> wanted.test(service.key())).toList();
  }

  /** Value of each series, by name and labels. */
  private Map<String, Double> scrape() {
    var registry = new PrometheusRegistry();
    registry.register(new VirtualServerMetrics(metrics, this::statistics));
    var series = new TreeMap<String, Double>();
    for (var family : registry.scrape()) {
      for (var point : family.getDataPoints()) {
        var value =
            point instanceof CounterDataPointSnapshot c
                ? c.getValue()
                : ((GaugeDataPointSnapshot) point).getValue();
        var labels = new StringBuilder();
        point.getLabels().forEach(l -> labels.append(' ').append(l.getValue()));
        series.put(family.getMetadata().getName() + labels, value);
      }
    }
    return series;
  }

  private void own(ServiceKey... keys) {
    var owners = new HashMap<ServiceKey, Owner>();
    List.of(keys).forEach(key -> owners.put(key, new Owner("web", "http")));
    metrics.services(owners);
  }

  @Test
  void countersAreThoseOfTheAgentsOwnServices() {
    own(OURS);
    var of = " 10.0.0.21:8080 TCP 203.0.113.10:80 web http";
    assertEquals(
        Map.of(
            "virtualip_server_connections" + of, 5.0,
            "virtualip_server_incoming_packets" + of, 10.0,
            "virtualip_server_outgoing_packets" + of, 8.0,
            "virtualip_server_incoming_bytes" + of, 1_000.0,
            "virtualip_server_outgoing_bytes" + of, 20_000.0,
            "virtualip_server_active_connections" + of, 2.0,
            "virtualip_server_inactive_connections" + of, 3.0),
        scrape());
  }

  @Test
  void theSeriesOfAServerThatHasGoneIsGone() {
    own(OURS);
    kernel = List.of();
    assertEquals(Map.of(), scrape());
  }

  @Test
  void withoutVirtualServersTheKernelIsNotAsked() {
    refuses = true;
    own();
    assertEquals(Map.of(), scrape());
  }

  @Test
  void whereTheKernelRefusesAllOtherMetricsAreThere() {
    refuses = true;
    own(OURS);
    var http = new VirtualServerStatus("http", false, 1, 2, 1, 3, null);
    metrics.status(
        "web",
        new NodeStatus(State.Backup, 100, null, null, null, null, null, null)
            .withVirtualServers(List.of(http)));
    assertEquals(
        Map.of(
            "virtualip_virtual_server_up web http", 0.0,
            "virtualip_virtual_server_weight_up web http", 1.0,
            "virtualip_virtual_server_servers_up web http", 1.0,
            "virtualip_virtual_server_servers_down web http", 3.0),
        scrape());
    metrics.forget("web");
    assertEquals(Map.of(), scrape());
  }
}
