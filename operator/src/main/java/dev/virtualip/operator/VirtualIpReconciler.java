package dev.virtualip.operator;

import dev.virtualip.crds.Conflicts;
import dev.virtualip.crds.NodeFacts;
import dev.virtualip.crds.VirtualIp;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.MaxReconciliationInterval;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.IndexerResourceCache;
import io.javaoperatorsdk.operator.processing.event.source.filter.OnUpdateFilter;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings all VirtualIPs' status and the agents up to date whenever anything changes. VirtualIPs
 * take things away from each other and share the agents, so each event, whatever it is about, leads
 * to the same pass over everything.
 */
@ControllerConfiguration(
    name = "virtualip",
    generationAwareEventProcessing = false,
    triggerReconcilerOnAllEvents = true,
    maxReconciliationInterval =
        @MaxReconciliationInterval(interval = 5, timeUnit = TimeUnit.MINUTES))
final class VirtualIpReconciler implements Reconciler<VirtualIp> {
  private static final Logger LOG = LoggerFactory.getLogger(VirtualIpReconciler.class);

  private final KubernetesClient client;
  private final Settings settings;
  private final Clock clock;
  private final Agents agents;
  private final DnsRecords dns;
  private final Counter passes;
  private final Counter failures;

  /** Conditions by UID as written last: the cache may not have them yet, nor their times. */
  private final Map<String, List<Condition>> written = new HashMap<>();

  private IndexerResourceCache<VirtualIp> vips;
  private InformerEventSource<Node, VirtualIp> nodes;
  private InformerEventSource<DaemonSet, VirtualIp> daemonSets;
  private InformerEventSource<Pod, VirtualIp> pods;

  VirtualIpReconciler(
      KubernetesClient client, Settings settings, MeterRegistry metrics, Clock clock) {
    this.passes = metrics.counter("virtualip.operator.passes");
    this.failures = metrics.counter("virtualip.operator.failures");
    this.client = client;
    this.settings = settings;
    this.clock = clock;
    this.agents = new Agents(client, settings);
    this.dns = new DnsRecords(client, settings.namespace());
  }

  /** What makes a change of a VirtualIP worth a pass; ours settle after one more. */
  static final OnUpdateFilter<VirtualIp> SPEC_OR_STATUS =
      (now, before) ->
          generationChanged(now, before) || !Objects.equals(now.getStatus(), before.getStatus());

  /** What makes a change of a Node worth a pass: its heartbeats do not. */
  static final OnUpdateFilter<Node> PLACEMENT =
      (now, before) -> !NodeFacts.of(now).equals(NodeFacts.of(before));

  @Override
  public List<EventSource<?, VirtualIp>> prepareEventSources(
      EventSourceContext<VirtualIp> context) {
    vips = context.getPrimaryCache();
    nodes =
        new InformerEventSource<>(
            source(Node.class).withWatchAllNamespaces().withOnUpdateFilter(PLACEMENT).build(),
            context);
    daemonSets =
        new InformerEventSource<>(
            source(DaemonSet.class)
                .withNamespaces(settings.namespace())
                .withLabelSelector(AgentDaemonSet.LABEL_SELECTOR)
                .withOnUpdateFilter(VirtualIpReconciler::generationChanged)
                .build(),
            context);
    pods =
        new InformerEventSource<>(
            source(Pod.class)
                .withNamespaces(settings.namespace())
                .withLabelSelector(AgentDaemonSet.LABEL_SELECTOR)
                .withOnUpdateFilter(
                    (now, before) -> AgentRollout.ready(now) != AgentRollout.ready(before))
                .build(),
            context);
    return List.of(nodes, daemonSets, pods);
  }

  /** One VirtualIP stands for all: it is told so that there is a pass. */
  private <R extends HasMetadata> InformerEventSourceConfiguration.Builder<R> source(
      Class<R> type) {
    return InformerEventSourceConfiguration.from(type, VirtualIp.class)
        .withPrimaryToSecondaryMapper((VirtualIp _) -> Set.of())
        .withSecondaryToPrimaryMapper(
            _ -> vips.list().limit(1).map(ResourceID::fromResource).collect(Collectors.toSet()));
  }

  private static boolean generationChanged(HasMetadata now, HasMetadata before) {
    return !Objects.equals(now.getMetadata().getGeneration(), before.getMetadata().getGeneration());
  }

  @Override
  public UpdateControl<VirtualIp> reconcile(VirtualIp vip, Context<VirtualIp> context) {
    try {
      pass();
    } catch (RuntimeException e) {
      failures.increment();
      throw e;
    }
    return UpdateControl.noUpdate();
  }

  /** Without any VirtualIP nothing else leads to a pass, and agents may be left to remove. */
  void firstPass() {
    if (vips.list().findAny().isEmpty()) {
      pass();
    }
  }

  /** The VirtualIPs as last seen. */
  Stream<VirtualIp> virtualIps() {
    return vips.list();
  }

  /**
   * One pass. What fails for one VirtualIP keeps no other from its own.
   *
   * @throws KubernetesClientException the first failure, after everything was tried
   */
  private synchronized void pass() {
    passes.increment();
    var all = vips.list().toList();
    var facts = nodes.list().map(NodeFacts::of).toList();
    var problems = Conflicts.problems(all);
    var nodeNames = facts.stream().map(NodeFacts::name).collect(Collectors.toSet());
    KubernetesClientException failure = null;
    var silent = silent(pods());
    for (var stored : all) {
      var vip = VirtualIpConditions.heard(stored, silent);
      try {
        var found = problems.get(vip.getMetadata().getName());
        write(vip, VirtualIpConditions.of(vip, found, facts), nodeNames);
      } catch (KubernetesClientException e) {
        failure = Objects.requireNonNullElse(failure, e);
      }
    }
    written.keySet().retainAll(all.stream().map(vip -> vip.getMetadata().getUid()).toList());
    agents.sync(AgentPlacement.nodes(all, problems, facts), masters(all), daemonSet(), pods());
    dns.sync(all, problems);
    if (failure != null) {
      throw failure;
    }
  }

  private void write(VirtualIp vip, List<Condition> conditions, Set<String> nodeNames) {
    var uid = vip.getMetadata().getUid();
    var name = vip.getMetadata().getName();
    var timed = StatusPatch.timed(conditions, previous(vip), clock.instant());
    var patch = StatusPatch.of(vip, timed, nodeNames);
    if (patch.isEmpty()) {
      return;
    }
    try {
      client
          .resource(vip)
          .subresource("status")
          .patch(PatchContext.of(PatchType.JSON_MERGE), patch.get());
    } catch (KubernetesClientException e) {
      if (e.getCode() == 404) {
        return; // deleted meanwhile
      }
      throw e;
    }
    var before = Objects.requireNonNullElse(written.put(uid, timed), List.of());
    timed.stream()
        .filter(condition -> !before.contains(condition))
        .forEach(
            c ->
                LOG.info(
                    "virtualip={} {}={} reason={} message=\"{}\"",
                    name,
                    c.getType(),
                    c.getStatus(),
                    c.getReason(),
                    c.getMessage()));
  }

  private List<Condition> previous(VirtualIp vip) {
    var status = vip.getStatus();
    var seen =
        status == null || status.conditions() == null ? List.<Condition>of() : status.conditions();
    return written.getOrDefault(vip.getMetadata().getUid(), seen);
  }

  private static Set<String> masters(Collection<VirtualIp> vips) {
    var masters = new HashSet<String>();
    vips.forEach(vip -> masters.addAll(VirtualIpConditions.masters(vip)));
    return masters;
  }

  /** Nodes whose agent does not run: what it said last is out of date. */
  private static Set<String> silent(Collection<Pod> pods) {
    var silent = new HashSet<String>();
    pods.forEach(pod -> silent.add(pod.getSpec().getNodeName()));
    pods.stream()
        .filter(AgentRollout::ready)
        .forEach(pod -> silent.remove(pod.getSpec().getNodeName()));
    return silent;
  }

  private DaemonSet daemonSet() {
    return daemonSets.get(new ResourceID(AgentDaemonSet.NAME, settings.namespace())).orElse(null);
  }

  private List<Pod> pods() {
    return pods.list().toList();
  }
}
