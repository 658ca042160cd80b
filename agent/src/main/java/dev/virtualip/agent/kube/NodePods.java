package dev.virtualip.agent.kube;

import dev.virtualip.agent.check.PodReadiness;
import dev.virtualip.agent.client.ApiServer;
import dev.virtualip.agent.client.Informer;
import dev.virtualip.agent.client.Resource;
import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.crds.schema.LabelSelector;
import dev.virtualip.log.Defects;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The pods of one node, watched from the first question on. While the API server is away the last
 * answer holds.
 */
final class NodePods implements PodReadiness, AutoCloseable {
  private final ApiServer api;
  private final Resource<Pod> watched;
  private final List<Follower> followers = new CopyOnWriteArrayList<>();
  private Informer<Pod> informer;
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

  NodePods(ApiServer api, String nodeName) {
    this(api, Kinds.PODS.withField("spec.nodeName", nodeName));
  }

  NodePods(ApiServer api, Resource<Pod> watched) {
    this.api = api;
    this.watched = watched;
  }

  @Override
  public Optional<Readiness> readiness(String namespace, LabelSelector selector) {
    var pods = informer();
    if (pods == null || !pods.hasSynced()) {
      return Optional.empty();
    }
    return Optional.of(readiness(pods.list(), namespace, selector));
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

  private synchronized Informer<Pod> informer() {
    if (informer == null && !closed) {
      informer = new Informer<>(api, watched, new Changes());
      informer.start();
    }
    return informer;
  }

  private final class Changes implements Informer.Listener<Pod> {
    @Override
    public void changed(Pod before, Pod now) {
      // What a first list has is told at its end.
      if (informer().hasSynced()) {
        look();
      }
    }

    @Override
    public void listed() {
      look();
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (informer != null) {
      informer.close();
    }
  }
}
