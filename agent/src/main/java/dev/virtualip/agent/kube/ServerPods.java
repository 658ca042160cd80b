package dev.virtualip.agent.kube;

import dev.virtualip.agent.client.ApiServer;
import dev.virtualip.agent.client.Informer;
import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.agent.source.PodSelector;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

  private final ApiServer api;
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
  private record Watched(Informer<PodFacts> informer, CompletableFuture<Void> waited) {
    private List<PodFacts> facts() {
      return informer.list().stream().sorted(Comparator.comparing(PodFacts::name)).toList();
    }
  }

  /**
   * @param changed called when {@link #pods} may give another result, by any thread; must not block
   * @param patience usually {@link #PATIENCE}
   */
  ServerPods(ApiServer api, Runnable changed, Duration patience) {
    this.api = api;
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
    entry.getValue().informer().close();
    return true;
  }

  private Watched watch(PodSelector wanted) {
    var answered = new CompletableFuture<Void>();
    var informer = new Informer<>(api, Kinds.servers(wanted), new Changes(answered));
    informer.start();
    answered.completeOnTimeout(null, patience.toMillis(), TimeUnit.MILLISECONDS).thenRun(changed);
    return new Watched(informer, answered);
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
    watched.values().forEach(one -> one.informer().close());
    watched.clear();
  }

  /** Most changes of a pod tell nothing about it as a server. */
  private final class Changes implements Informer.Listener<PodFacts> {
    private final CompletableFuture<Void> answered;

    Changes(CompletableFuture<Void> answered) {
      this.answered = answered;
    }

    @Override
    public void changed(PodFacts before, PodFacts now) {
      if (!Objects.equals(before, now) && untold.compareAndSet(false, true)) {
        together.execute(
            () -> {
              untold.set(false);
              changed.run();
            });
      }
    }

    @Override
    public void listed() {
      answered.complete(null);
    }
  }
}
