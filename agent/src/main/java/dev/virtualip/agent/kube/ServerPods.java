package dev.virtualip.agent.kube;

import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.agent.source.PodSelector;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.LabelSelectorRequirement;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The pods of all nodes that are real servers. Each selector is watched for as long as it is
 * wanted; the API server selects. While it is away the last answer holds.
 */
final class ServerPods implements AutoCloseable {
  /** How long a first answer is waited for, before all else goes on without it. */
  static final Duration PATIENCE = Duration.ofSeconds(10);

  /** Changes of pods within this time are told as one: in a rolling update they come in bursts. */
  private static final long TOGETHER_MILLIS = 100;

  private final KubernetesClient client;
  private final Runnable changed;
  private final Duration patience;
  private final AtomicBoolean untold = new AtomicBoolean();
  private final Executor together =
      CompletableFuture.delayedExecutor(TOGETHER_MILLIS, TimeUnit.MILLISECONDS, Runnable::run);
  private final Map<PodSelector, Watched> watched = new HashMap<>();
  private boolean closed;

  /**
   * @param waited completes with the first answer, or when it has been waited for long enough
   */
  private record Watched(SharedIndexInformer<Pod> informer, CompletableFuture<Void> waited) {
    private List<PodFacts> facts() {
      return informer.getStore().list().stream()
          .map(PodFacts::of)
          .sorted(Comparator.comparing(PodFacts::name))
          .toList();
    }
  }

  /**
   * @param changed called when {@link #pods} may give another result, by any thread; must not block
   * @param patience usually {@link #PATIENCE}
   */
  ServerPods(KubernetesClient client, Runnable changed, Duration patience) {
    this.client = client;
    this.changed = changed;
    this.patience = patience;
  }

  /**
   * Watches these pods and no others.
   *
   * @return whether it is worth asking for {@link #pods}: else a first answer is on its way
   */
  synchronized boolean follow(Set<PodSelector> wanted) {
    if (closed) {
      return false;
    }
    watched.entrySet().removeIf(entry -> !wanted.contains(entry.getKey()) && stop(entry));
    wanted.forEach(selector -> watched.computeIfAbsent(selector, this::watch));
    return watched.values().stream().allMatch(one -> one.waited().isDone());
  }

  private static boolean stop(Map.Entry<PodSelector, Watched> entry) {
    entry.getValue().informer().stop();
    return true;
  }

  private Watched watch(PodSelector wanted) {
    var informer =
        client
            .pods()
            .inNamespace(wanted.namespace())
            .withLabelSelector(labelSelector(wanted))
            .runnableInformer(0);
    informer.itemStore(new PodStore());
    informer.addEventHandler(new Changes());
    var waited =
        Informers.startForEver(informer, "pods of " + wanted.namespace())
            .thenRun(() -> {})
            .toCompletableFuture()
            .completeOnTimeout(null, patience.toMillis(), TimeUnit.MILLISECONDS);
    waited.thenRun(changed);
    return new Watched(informer, waited);
  }

  private static LabelSelector labelSelector(PodSelector wanted) {
    var expressions =
        wanted.selector().matchExpressions().stream()
            .map(e -> new LabelSelectorRequirement(e.key(), e.operator().name(), e.values()))
            .toList();
    return new LabelSelector(expressions, wanted.selector().matchLabels());
  }

  /** The pods of each selector that has been answered, sorted by name. */
  synchronized Map<PodSelector, List<PodFacts>> pods() {
    var pods = new HashMap<PodSelector, List<PodFacts>>();
    watched.forEach(
        (selector, one) -> {
          if (one.informer().hasSynced()) {
            pods.put(selector, one.facts());
          }
        });
    return pods;
  }

  @Override
  public synchronized void close() {
    closed = true;
    watched.values().forEach(one -> one.informer().stop());
    watched.clear();
  }

  /** Most changes of a pod tell nothing about it as a server. */
  private final class Changes implements ResourceEventHandler<Pod> {
    @Override
    public void onAdd(Pod pod) {
      tell();
    }

    @Override
    public void onUpdate(Pod before, Pod pod) {
      if (!PodFacts.of(before).equals(PodFacts.of(pod))) {
        tell();
      }
    }

    @Override
    public void onDelete(Pod pod, boolean finalStateUnknown) {
      tell();
    }

    private void tell() {
      if (untold.compareAndSet(false, true)) {
        together.execute(
            () -> {
              untold.set(false);
              changed.run();
            });
      }
    }
  }
}
