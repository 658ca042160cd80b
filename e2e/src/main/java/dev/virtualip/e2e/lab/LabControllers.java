package dev.virtualip.e2e.lab;

import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeSelectorRequirement;
import io.fabric8.kubernetes.api.model.NodeSelectorTerm;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Creates and removes the pods of DaemonSets and Deployments where no real controllers run. A
 * Deployment gets one pod at most, on the node registered first. Runs every 200 ms.
 */
final class LabControllers implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LabControllers.class);
  private static final Duration PERIOD = Duration.ofMillis(200);
  private static final String HASH = "controller-revision-hash";

  private final KubernetesClient client;
  private final Thread thread;

  private LabControllers(KubernetesClient client) {
    this.client = client;
    this.thread = Thread.ofVirtual().name("controllers").unstarted(this::run);
  }

  static LabControllers start(KubernetesClient client) {
    LabControllers controllers = new LabControllers(client);
    controllers.thread.start();
    return controllers;
  }

  @Override
  public void close() {
    thread.interrupt();
    try {
      thread.join(Duration.ofSeconds(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try {
      while (!Thread.interrupted()) {
        try {
          reconcile();
        } catch (KubernetesClientException e) {
          log.debug("next time: {}", e.getMessage());
        }
        Thread.sleep(PERIOD);
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private void reconcile() {
    List<Node> nodes =
        client.nodes().list().getItems().stream()
            .sorted(Comparator.comparing(n -> Long.valueOf(n.getMetadata().getResourceVersion())))
            .toList();
    List<Pod> pods = client.pods().inAnyNamespace().list().getItems();
    List<HasMetadata> owners = new ArrayList<>();
    for (DaemonSet set : client.apps().daemonSets().inAnyNamespace().list().getItems()) {
      owners.add(set);
      reconcile(set, nodes, owned(pods, set));
    }
    for (Deployment set : client.apps().deployments().inAnyNamespace().list().getItems()) {
      owners.add(set);
      reconcile(set, nodes, owned(pods, set));
    }
    Set<String> uids =
        owners.stream().map(o -> o.getMetadata().getUid()).collect(Collectors.toSet());
    pods.stream()
        .filter(
            pod ->
                pod.getMetadata().getOwnerReferences().stream()
                    .anyMatch(
                        owner ->
                            Set.of("DaemonSet", "Deployment").contains(owner.getKind())
                                && !uids.contains(owner.getUid())))
        .forEach(this::delete);
  }

  private void reconcile(DaemonSet set, List<Node> nodes, List<Pod> pods) {
    PodTemplateSpec template = set.getSpec().getTemplate();
    List<String> wanted =
        nodes.stream()
            .filter(node -> fits(node, template.getSpec()))
            .map(node -> node.getMetadata().getName())
            .toList();
    Map<String, Pod> byNode =
        pods.stream()
            .collect(Collectors.toMap(p -> p.getSpec().getNodeName(), p -> p, (p, _) -> p));
    byNode.forEach(
        (node, pod) -> {
          if (!wanted.contains(node)) {
            delete(pod);
          }
        });
    wanted.stream()
        .filter(node -> !byNode.containsKey(node))
        .forEach(node -> create(set, template, node));
    boolean rolling =
        set.getSpec().getUpdateStrategy() == null
            || !"OnDelete".equals(set.getSpec().getUpdateStrategy().getType());
    // One at a time: the next one when all are ready again.
    if (rolling && pods.size() == wanted.size() && pods.stream().allMatch(LabControllers::ready)) {
      pods.stream().filter(pod -> !current(pod, template)).findFirst().ifPresent(this::delete);
    }
    long ready = pods.stream().filter(LabControllers::ready).count();
    long updated = pods.stream().filter(pod -> current(pod, template)).count();
    patchStatus(
        set,
        """
        {"status": {"desiredNumberScheduled": %d, "currentNumberScheduled": %d, "numberReady": %d,
          "numberAvailable": %d, "updatedNumberScheduled": %d, "numberMisscheduled": 0,
          "observedGeneration": %d}}
        """
            .formatted(
                wanted.size(),
                pods.size(),
                ready,
                ready,
                updated,
                set.getMetadata().getGeneration()));
  }

  private void reconcile(Deployment set, List<Node> nodes, List<Pod> pods) {
    PodTemplateSpec template = set.getSpec().getTemplate();
    boolean wanted = set.getSpec().getReplicas() == null || set.getSpec().getReplicas() > 0;
    pods.stream().filter(pod -> !wanted || !current(pod, template)).forEach(this::delete);
    if (wanted && pods.isEmpty() && !nodes.isEmpty()) {
      create(set, template, nodes.getFirst().getMetadata().getName());
    }
    long ready = pods.stream().filter(LabControllers::ready).count();
    patchStatus(
        set,
        """
        {"status": {"replicas": %d, "readyReplicas": %d, "availableReplicas": %d,
          "observedGeneration": %d}}
        """
            .formatted(pods.size(), ready, ready, set.getMetadata().getGeneration()));
  }

  private static List<Pod> owned(List<Pod> pods, HasMetadata owner) {
    return pods.stream()
        .filter(
            pod ->
                pod.getMetadata().getOwnerReferences().stream()
                    .anyMatch(o -> o.getUid().equals(owner.getMetadata().getUid())))
        .toList();
  }

  private void create(HasMetadata owner, PodTemplateSpec template, String node) {
    Map<String, String> labels = new HashMap<>(template.getMetadata().getLabels());
    labels.put(HASH, hash(template));
    Pod pod =
        new PodBuilder()
            .withNewMetadata()
            .withNamespace(owner.getMetadata().getNamespace())
            .withName(
                "%s-%s-%s"
                    .formatted(
                        owner.getMetadata().getName(),
                        node,
                        Long.toString(System.nanoTime() & 0xffffffL, 36)))
            .withLabels(labels)
            .withAnnotations(template.getMetadata().getAnnotations())
            .addNewOwnerReference()
            .withApiVersion(owner.getApiVersion())
            .withKind(owner.getKind())
            .withName(owner.getMetadata().getName())
            .withUid(owner.getMetadata().getUid())
            .withController(true)
            .endOwnerReference()
            .endMetadata()
            .withSpec(template.getSpec())
            .editSpec()
            .withNodeName(node)
            .endSpec()
            .build();
    client.resource(pod).create();
  }

  private void delete(Pod pod) {
    if (pod.getMetadata().getDeletionTimestamp() == null) {
      client.resource(pod).delete();
    }
  }

  private void patchStatus(HasMetadata set, String patch) {
    client.resource(set).subresource("status").patch(PatchContext.of(PatchType.JSON_MERGE), patch);
  }

  private static boolean ready(Pod pod) {
    return pod.getStatus() != null
        && pod.getStatus().getConditions().stream()
            .anyMatch(c -> c.getType().equals("Ready") && c.getStatus().equals("True"));
  }

  private static boolean current(Pod pod, PodTemplateSpec template) {
    return hash(template).equals(pod.getMetadata().getLabels().get(HASH));
  }

  private static String hash(PodTemplateSpec template) {
    return Integer.toUnsignedString(template.hashCode(), 36);
  }

  private static boolean fits(Node node, PodSpec spec) {
    Map<String, String> labels = node.getMetadata().getLabels();
    if (spec.getNodeSelector() != null
        && !labels.entrySet().containsAll(spec.getNodeSelector().entrySet())) {
      return false;
    }
    Affinity affinity = spec.getAffinity();
    if (affinity == null
        || affinity.getNodeAffinity() == null
        || affinity.getNodeAffinity().getRequiredDuringSchedulingIgnoredDuringExecution() == null) {
      return true;
    }
    List<NodeSelectorTerm> terms =
        affinity
            .getNodeAffinity()
            .getRequiredDuringSchedulingIgnoredDuringExecution()
            .getNodeSelectorTerms();
    Map<String, String> fields = Map.of("metadata.name", node.getMetadata().getName());
    return terms.stream()
        .anyMatch(
            term ->
                term.getMatchExpressions().stream().allMatch(r -> meets(labels, r))
                    && term.getMatchFields().stream().allMatch(r -> meets(fields, r)));
  }

  private static boolean meets(Map<String, String> labels, NodeSelectorRequirement requirement) {
    String value = labels.get(requirement.getKey());
    return switch (requirement.getOperator()) {
      case "In" -> value != null && requirement.getValues().contains(value);
      case "NotIn" -> value == null || !requirement.getValues().contains(value);
      case "Exists" -> value != null;
      case "DoesNotExist" -> value == null;
      default ->
          throw new IllegalStateException("operator unknown here: " + requirement.getOperator());
    };
  }
}
