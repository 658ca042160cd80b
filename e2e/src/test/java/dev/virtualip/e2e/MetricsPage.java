package dev.virtualip.e2e;

import dev.virtualip.agent.bfd.ControlPacket;
import dev.virtualip.agent.bfd.Neighbour;
import dev.virtualip.agent.bfd.SessionState;
import dev.virtualip.agent.bfd.SessionStatus;
import dev.virtualip.agent.bfd.Snapshot;
import dev.virtualip.agent.metrics.AgentMetrics;
import dev.virtualip.agent.metrics.BfdMetrics;
import dev.virtualip.agent.metrics.VirtualServerMetrics;
import dev.virtualip.agent.metrics.VirtualServerMetrics.Owner;
import dev.virtualip.agent.net.IpvsPort.Counters;
import dev.virtualip.agent.net.IpvsPort.DestinationStatistics;
import dev.virtualip.agent.net.IpvsPort.Protocol;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.ServiceStatistics;
import dev.virtualip.agent.notify.Notifier;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPoolStatus;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.schema.VirtualIpStatus.VirtualServerStatus;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.operator.act.OperatorMetrics;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** All metrics of both programs, as Prometheus gets them. */
final class MetricsPage {
  private static final String MASTER = "---\n{state: Master, priority: 100}";
  private static final Pattern HELP = Pattern.compile("# HELP (\\S+) (.*)");
  private static final Pattern TYPE = Pattern.compile("# TYPE (\\S+) (\\S+)");
  private static final Pattern SAMPLE = Pattern.compile("(\\w+)(?:\\{(.*)})? \\S+");
  private static final Pattern LABEL = Pattern.compile("(\\w+)=\"[^\"]*\"");

  /** A metric; a histogram is one, whatever series it is made of. */
  record Metric(String name, String type, String help, Set<String> labels) {
    /** Names that queries may use. */
    Collection<String> series() {
      return type.equals("histogram")
          ? List.of(name + "_bucket", name + "_count", name + "_sum")
          : type.equals("summary") ? List.of(name + "_count", name + "_sum") : List.of(name);
    }

    private String unit() {
      return name.contains("_ns_")
          ? "nanoseconds"
          : name.contains("_seconds") ? "seconds" : name.contains("_bytes") ? "bytes" : "";
    }

    private String row() {
      var told = labels.stream().map(l -> "`" + l + "`").collect(Collectors.joining(", "));
      return "| `%s` | %s | %s | %s | %s |\n".formatted(name, type, unit(), told, help);
    }
  }

  private MetricsPage() {}

  /** Metrics of the agent, by name. */
  static Map<String, Metric> agent() {
    var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    AgentMetrics.process(registry);
    var metrics = new AgentMetrics(registry);
    metrics.status("web", Serialization.unmarshal(MASTER, NodeStatus.class));
    virtualServer(registry, metrics);
    metrics.sent("web", 0);
    metrics.sendFailed("web");
    metrics.received("web", 0);
    metrics.differs("web");
    metrics.intervalBounded("web");
    metrics.rejected("web", "Checksum");
    metrics.restored("web");
    metrics.renewed("web");
    metrics.bindFailed("web");
    metrics.announced("web", "GratuitousArp", 1);
    metrics.announcementFailed("web");
    metrics.transition("web", "Master", "MasterDown");
    metrics.took("web", State.Backup, State.Master, "Advert", 1);
    metrics.took("web", State.Master, State.Backup, "Released", 1);
    metrics.check("web", "nginx", "timeout");
    metrics.checked("web", "nginx", true, Duration.ofMillis(1));
    metrics.checkedEarly("web", "ConnectionEnded");
    metrics.late("web", 1);
    metrics.turned(1);
    metrics.defect("notify");
    notifier(registry);
    bfd(registry);
    return parse(registry.scrape());
  }

  private static void virtualServer(PrometheusMeterRegistry registry, AgentMetrics metrics) {
    var http = new VirtualServerStatus("http", true, 1, 1, 1, 0, null);
    metrics.status(
        "lvs", Serialization.unmarshal(MASTER, NodeStatus.class).withVirtualServers(List.of(http)));
    var key = ServiceKey.of(Protocol.TCP, InetAddress.getLoopbackAddress(), 80);
    metrics.services(Map.of(key, new Owner("lvs", "http")));
    var server =
        new DestinationStatistics(InetAddress.getLoopbackAddress(), 80, 1, 1, 0, Counters.ZERO);
    var service = new ServiceStatistics(key, Counters.ZERO, List.of(server));
    registry
        .getPrometheusRegistry()
        .register(new VirtualServerMetrics(metrics, _ -> List.of(service)));
  }

  private static void bfd(PrometheusMeterRegistry registry) {
    var neighbour = new Neighbour(2, InetAddress.getLoopbackAddress());
    var session = new SessionStatus(neighbour, "eth0", SessionState.Up, 0, 1, 1, 1, 0);
    var snapshot = new Snapshot(List.of(session), Map.of(ControlPacket.Reason.Ttl, 1L));
    registry.getPrometheusRegistry().register(new BfdMetrics(() -> snapshot, () -> 0));
  }

  private static void notifier(PrometheusMeterRegistry registry) {
    var vip = new VirtualIp();
    vip.setSpec(
        Serialization.unmarshal(
            "---\n{notifications: {webhook: {plainHttp: true, url: 'http://127.0.0.1:1/'}}}",
            VirtualIpSpec.class));
    var notifier = new Notifier("node-a", null, registry, (_, _) -> {});
    notifier.running(Map.of("web", vip), Map.of());
    Await.until(
        "the channel is known",
        Duration.ofSeconds(30),
        () -> registry.find("virtualip.notifications").counter() != null);
    notifier.close(System.nanoTime() + 1_000_000_000L);
  }

  /** Metrics of the operator, by name. */
  static Map<String, Metric> operator() {
    var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    OperatorMetrics.process(registry);
    var ready = new ConditionBuilder().withType("Ready").withStatus("True").build();
    var metrics = new OperatorMetrics(registry);
    metrics.conditions(Map.of("web", List.of(ready)));
    metrics.services(Map.of("edge", 1), 0);
    metrics.pools(Map.of("edge", new VirtualIpPoolStatus(1L, 1L, 2L, List.of(), List.of())));
    return parse(registry.scrape());
  }

  /** Reads Prometheus' text format. */
  static Map<String, Metric> parse(String text) {
    var helps = new TreeMap<String, String>();
    var types = new TreeMap<String, String>();
    var labels = new TreeMap<String, Set<String>>();
    for (var line : text.lines().toList()) {
      var help = HELP.matcher(line);
      var type = TYPE.matcher(line);
      var sample = SAMPLE.matcher(line);
      if (help.matches()) {
        helps.put(help.group(1), help.group(2));
      } else if (type.matches()) {
        types.put(type.group(1), type.group(2));
      } else if (sample.matches()) {
        var base = sample.group(1).replaceFirst("_(bucket|count|sum)$", "");
        var name = types.containsKey(sample.group(1)) ? sample.group(1) : base;
        var found = labels.computeIfAbsent(name, _ -> new TreeSet<>());
        if (sample.group(2) != null) {
          LABEL.matcher(sample.group(2)).results().map(m -> m.group(1)).forEach(found::add);
        }
        found.remove("le");
      }
    }
    return types.entrySet().stream()
        .map(
            e ->
                new Metric(
                    e.getKey(),
                    e.getValue(),
                    helps.getOrDefault(e.getKey(), ""),
                    labels.getOrDefault(e.getKey(), Set.of())))
        .collect(Collectors.toMap(Metric::name, m -> m, (a, _) -> a, TreeMap::new));
  }

  /** The page docs/metrics.md. */
  static String text() {
    return """
        # Metrics

        Generated from what the programs register by `make docs`; do not edit.

        A histogram is the series `NAME_bucket`, `NAME_count` and `NAME_sum`. The label `vip` is the
        name of the VirtualIP, and empty where something belongs to none. Which node a series is of,
        Prometheus adds itself: [monitoring](monitoring.md).

        ## Agent

        `http://NODE:9405/metrics`

        %s
        ## Operator

        `http://POD:9406/metrics`

        %s"""
        .formatted(table(agent()), table(operator()));
  }

  private static String table(Map<String, Metric> metrics) {
    return "| metric | type | unit | labels | meaning |\n| --- | --- | --- | --- | --- |\n"
        + metrics.values().stream().map(Metric::row).collect(Collectors.joining());
  }
}
