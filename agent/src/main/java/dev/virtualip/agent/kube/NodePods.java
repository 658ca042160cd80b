package dev.virtualip.agent.kube;

import dev.virtualip.agent.check.PodReadiness;
import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.crds.schema.LabelSelector;
import dev.virtualip.kube.AnyChange;
import dev.virtualip.log.Defects;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;

/**
 * The pods of one node, watched from the first question on. While the API server is away the last
 * answer holds.
 */
final class NodePods implements PodReadiness, AutoCloseable {
  private final Supplier<SharedIndexInformer<Pod>> watched;
  private final List<Follower> followers = new CopyOnWriteArrayList<>();
  private SharedIndexInformer<Pod> informer;
  private boolean closed;

  /** Who is told of a change of readiness. */
  private final class Follower {
    private final String namespace;
    private final LabelSelector selector;
    private final Runnable changed;
    private Optional<Readiness> last = Optional.empty();

    Follower(String namespace, LabelSelector selector, Runnable changed) {
      this.namespace = namespace;
      this.selector = selector;
      this.changed = changed;
    }

    synchronized void look() {
      var readiness = readiness(namespace, selector);
      if (!readiness.equals(last)) {
        last = readiness;
        changed.run();
      }
    }
  }

  NodePods(KubernetesClient client, String nodeName) {
    this(
        () ->
            client
                .pods()
                .inAnyNamespace()
                .withField("spec.nodeName", nodeName)
                .runnableInformer(0));
  }

  /**
   * The pods of an informer.
   *
   * @param watched makes it; it is not started yet
   */
  NodePods(Supplier<SharedIndexInformer<Pod>> watched) {
    this.watched = watched;
  }

  @Override
  public Optional<Readiness> readiness(String namespace, LabelSelector selector) {
    var pods = informer();
    if (pods == null || !pods.hasSynced()) {
      return Optional.empty();
    }
    return Optional.of(readiness(pods.getStore().list(), namespace, selector));
  }

  @Override
  public Runnable follow(String namespace, LabelSelector selector, Runnable changed) {
    var follower = new Follower(namespace, selector, changed);
    followers.add(follower);
    informer();
    return () -> followers.remove(follower);
  }

  private void look() {
    followers.forEach(follower -> Defects.contain(follower::look));
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
      informer = watched.get();
      informer.addEventHandler(new AnyChange<>(this::look));
      Informers.startForEver(informer, "pods").thenRunAsync(this::look);
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
