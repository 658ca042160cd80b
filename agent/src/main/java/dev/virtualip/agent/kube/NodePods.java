package dev.virtualip.agent.kube;

import dev.virtualip.agent.check.PodReadiness;
import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.crds.schema.LabelSelector;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The pods of one node, watched from the first question on. While the API server is away the last
 * answer holds.
 */
final class NodePods implements PodReadiness, AutoCloseable {
  private final KubernetesClient client;
  private final String nodeName;
  private SharedIndexInformer<Pod> informer;
  private boolean closed;

  NodePods(KubernetesClient client, String nodeName) {
    this.client = client;
    this.nodeName = nodeName;
  }

  @Override
  public Optional<Readiness> readiness(String namespace, LabelSelector selector) {
    var pods = informer();
    if (pods == null || !pods.hasSynced()) {
      return Optional.empty();
    }
    return Optional.of(readiness(pods.getStore().list(), namespace, selector));
  }

  static Readiness readiness(Collection<Pod> pods, String namespace, LabelSelector selector) {
    var ready = pods.stream().filter(pod -> serves(pod, namespace, selector)).toList();
    if (ready.isEmpty()) {
      return Readiness.None;
    }
    return ready.stream().allMatch(Pod::isMarkedForDeletion)
        ? Readiness.Terminating
        : Readiness.Ready;
  }

  private static boolean serves(Pod pod, String namespace, LabelSelector selector) {
    var metadata = pod.getMetadata();
    return metadata.getNamespace().equals(namespace)
        && selector.matches(Objects.requireNonNullElse(metadata.getLabels(), Map.of()))
        && PodFacts.isReady(pod);
  }

  private synchronized SharedIndexInformer<Pod> informer() {
    if (informer == null && !closed) {
      informer =
          client.pods().inAnyNamespace().withField("spec.nodeName", nodeName).runnableInformer(0);
      Informers.startForEver(informer, "pods");
    }
    return informer;
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (informer != null) {
      informer.stop();
    }
  }
}
