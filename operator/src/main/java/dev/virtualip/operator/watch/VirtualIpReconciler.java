package dev.virtualip.operator.watch;

import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
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
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Watches all objects that decisions depend on. Each event asks for the same pass over the whole
 * cluster; many events at once ask for one pass.
 */
@ControllerConfiguration(
    name = "virtualip",
    generationAwareEventProcessing = false,
    triggerReconcilerOnAllEvents = true,
    maxReconciliationInterval = @MaxReconciliationInterval(interval = -1))
public final class VirtualIpReconciler implements Reconciler<VirtualIp> {
  private final String namespace;
  private final List<DrainTrigger> drainOn;
  private final AgentLiveness liveness;
  private final Runnable wake;
  private final Latest latest;

  private IndexerResourceCache<VirtualIp> vips;
  private InformerEventSource<Node, VirtualIp> nodes;
  private InformerEventSource<VirtualIpPool, VirtualIp> pools;
  private InformerEventSource<Service, VirtualIp> services;
  private InformerEventSource<Namespace, VirtualIp> namespaces;
  private InformerEventSource<DaemonSet, VirtualIp> daemonSets;
  private InformerEventSource<Pod, VirtualIp> pods;

  /**
   * @param namespace the agents' namespace
   * @param drainOn triggers that make a node hand over
   * @param liveness gets the agents' heartbeats
   * @param latest what the operator has written, which the cache may lack
   * @param wake asks for a pass; must not block
   */
  public VirtualIpReconciler(
      String namespace,
      List<DrainTrigger> drainOn,
      AgentLiveness liveness,
      Latest latest,
      Runnable wake) {
    this.namespace = namespace;
    this.drainOn = drainOn;
    this.liveness = liveness;
    this.latest = latest;
    this.wake = wake;
  }

  /**
   * The changes of a VirtualIP that need a pass. The operator's own write of a status causes one
   * more.
   */
  public static final OnUpdateFilter<VirtualIp> SPEC_OR_STATUS =
      (now, before) ->
          generationChanged(now, before)
              || !Objects.equals(switchTo(now), switchTo(before))
              || !Objects.equals(now.getStatus(), before.getStatus());

  private static String switchTo(VirtualIp vip) {
    var annotations = vip.getMetadata().getAnnotations();
    return annotations == null ? null : annotations.get(VirtualIp.SWITCH_TO);
  }

  /** The changes of a Node that need a pass; its heartbeats do not. */
  public static OnUpdateFilter<Node> placementOrDrain(List<DrainTrigger> triggers) {
    return (now, before) ->
        !NodeFacts.of(now).equals(NodeFacts.of(before))
            || !DrainTrigger.cause(triggers, now).equals(DrainTrigger.cause(triggers, before));
  }

  /** The changes of a Service that need a pass. */
  public static final OnUpdateFilter<Service> ADDRESSES =
      (now, before) ->
          !Objects.equals(now.getSpec(), before.getSpec())
              || !Objects.equals(now.getStatus(), before.getStatus())
              || !Objects.equals(
                  now.getMetadata().getAnnotations(), before.getMetadata().getAnnotations())
              || labelsChanged(now, before);

  @Override
  public List<EventSource<?, VirtualIp>> prepareEventSources(
      EventSourceContext<VirtualIp> context) {
    vips = context.getPrimaryCache();
    nodes =
        new InformerEventSource<>(
            source(Node.class)
                .withWatchAllNamespaces()
                .withOnUpdateFilter(placementOrDrain(drainOn))
                .build(),
            context);
    pools =
        new InformerEventSource<>(
            source(VirtualIpPool.class)
                .withWatchAllNamespaces()
                .withOnUpdateFilter(VirtualIpReconciler::generationChanged)
                .build(),
            context);
    services =
        new InformerEventSource<>(
            source(Service.class).withWatchAllNamespaces().withOnUpdateFilter(ADDRESSES).build(),
            context);
    namespaces =
        new InformerEventSource<>(
            source(Namespace.class)
                .withWatchAllNamespaces()
                .withOnUpdateFilter(VirtualIpReconciler::labelsChanged)
                .build(),
            context);
    daemonSets =
        new InformerEventSource<>(
            ofAgents(DaemonSet.class)
                .withOnUpdateFilter(VirtualIpReconciler::generationChanged)
                .build(),
            context);
    pods =
        new InformerEventSource<>(
            ofAgents(Pod.class)
                .withOnUpdateFilter(
                    (now, before) ->
                        AgentPods.ready(now) != AgentPods.ready(before)
                            || !AgentPods.trouble(now).equals(AgentPods.trouble(before)))
                .build(),
            context);
    var leases =
        new InformerEventSource<>(
            ofAgents(Lease.class)
                .withOnAddFilter(liveness::beat)
                .withOnUpdateFilter((now, _) -> liveness.beat(now))
                .withOnDeleteFilter(
                    (lease, _) -> {
                      liveness.forget(lease);
                      return false;
                    })
                .build(),
            context);
    return List.of(nodes, pools, services, namespaces, daemonSets, pods, leases);
  }

  private <R extends HasMetadata> InformerEventSourceConfiguration.Builder<R> ofAgents(
      Class<R> type) {
    return source(type).withNamespaces(namespace).withLabelSelector(AgentPods.LABEL_SELECTOR);
  }

  /** A source whose events all map to one VirtualIP, which is enough to cause a pass. */
  private <R extends HasMetadata> InformerEventSourceConfiguration.Builder<R> source(
      Class<R> type) {
    return InformerEventSourceConfiguration.from(type, VirtualIp.class)
        .withPrimaryToSecondaryMapper((VirtualIp _) -> Set.of())
        .withSecondaryToPrimaryMapper(
            _ -> {
              wake.run();
              return Set.of();
            });
  }

  private static boolean labelsChanged(HasMetadata now, HasMetadata before) {
    return !Objects.equals(now.getMetadata().getLabels(), before.getMetadata().getLabels());
  }

  private static boolean generationChanged(HasMetadata now, HasMetadata before) {
    return !Objects.equals(now.getMetadata().getGeneration(), before.getMetadata().getGeneration());
  }

  @Override
  public UpdateControl<VirtualIp> reconcile(VirtualIp vip, Context<VirtualIp> context) {
    wake.run();
    return UpdateControl.noUpdate();
  }

  /** The VirtualIPs as last seen. */
  public Stream<VirtualIp> virtualIps() {
    return vips.list();
  }

  private Map<String, Map<String, String>> labels() {
    return namespaces
        .list()
        .filter(namespace -> namespace.getMetadata().getLabels() != null)
        .collect(
            Collectors.toMap(
                namespace -> namespace.getMetadata().getName(),
                namespace -> namespace.getMetadata().getLabels()));
  }

  /**
   * The cluster as last seen.
   *
   * @param written conditions by UID as written last
   * @param requests what nodes were asked, by name of the VirtualIP; empty if only the status of
   *     each has it
   */
  public ClusterView view(
      Map<String, List<Condition>> written,
      Optional<Map<String, VirtualIpStatus>> requests,
      Instant now) {
    Optional<DaemonSet> daemonSet = daemonSets.get(new ResourceID(AgentPods.NAME, namespace));
    var seen = latest.of(VirtualIp.class, vips.list(), now);
    var agents = pods.list().toList();
    liveness.listen(agents);
    liveness.retain(
        seen.stream().map(vip -> vip.getMetadata().getUid()).collect(Collectors.toSet()));
    var believed = new TreeMap<String, VirtualIp>();
    var lost = new TreeMap<String, Map<String, NodeStatus>>();
    seen.forEach(
        vip -> {
          var name = vip.getMetadata().getName();
          var belief = liveness.believed(vip);
          var asked = requests.map(all -> all.getOrDefault(name, VirtualIpStatus.EMPTY));
          believed.put(
              name, asked.map(a -> ClusterView.asked(belief.vip(), a)).orElse(belief.vip()));
          lost.put(name, belief.lost());
        });
    return new ClusterView(
        seen,
        believed,
        lost,
        nodes.list().toList(),
        pools.list().toList(),
        latest.of(Service.class, services.list(), now),
        labels(),
        daemonSet.orElse(null),
        agents,
        written,
        now);
  }
}
