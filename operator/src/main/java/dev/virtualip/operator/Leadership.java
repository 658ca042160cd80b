package dev.virtualip.operator;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderElectionConfigBuilder;
import io.fabric8.kubernetes.client.extended.leaderelection.resourcelock.LeaseLock;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which of several operators works: the one that holds the Lease {@value #LEASE}. The others wait;
 * they take over at once when it ends, and when its Lease runs out when it vanishes.
 */
final class Leadership implements AutoCloseable {
  static final String LEASE = "virtualip-operator";

  private static final Logger LOG = LoggerFactory.getLogger(Leadership.class);
  private static final long RELEASE_SECONDS = 2;

  /** Why an operator ends that has led. */
  static final class Lost extends Exception {
    private static final long serialVersionUID = 1;
  }

  private final CountDownLatch leading = new CountDownLatch(1);
  private final CompletableFuture<Throwable> lost = new CompletableFuture<>();
  private final CompletableFuture<?> election;

  private Leadership(
      KubernetesClient client, String namespace, String name, Duration leaseDuration) {
    // Another name for each life: one that is started anew must not take its last life's lease for
    // its own while somebody else is about to take it.
    var identity = name + "_" + UUID.randomUUID().toString().substring(0, 8);
    election =
        client
            .leaderElector()
            .withConfig(
                new LeaderElectionConfigBuilder()
                    .withName(LEASE)
                    .withLock(new LeaseLock(namespace, LEASE, identity))
                    .withLeaseDuration(leaseDuration)
                    .withRenewDeadline(leaseDuration.multipliedBy(7).dividedBy(10))
                    .withRetryPeriod(leaseDuration.dividedBy(5))
                    .withReleaseOnCancel(true)
                    .withLeaderCallbacks(
                        new LeaderCallbacks(
                            leading::countDown,
                            () -> lost.complete(new Lost()),
                            leader -> LOG.info("leadership leader={} self={}", leader, identity)))
                    .build())
            .build()
            .start();
  }

  /**
   * Takes part in the election; returns at once.
   *
   * @param name of this operator, its pod's
   * @param leaseDuration after which one that has vanished counts as gone
   */
  static Leadership seek(
      KubernetesClient client, String namespace, String name, Duration leaseDuration) {
    return new Leadership(client, namespace, name, leaseDuration);
  }

  /** Waits until this operator leads. */
  void await() throws InterruptedException {
    leading.await();
  }

  /** Whether this operator leads, or has led. */
  boolean leading() {
    return leading.getCount() == 0;
  }

  /** Done when it leads no more: somebody else does, or will. */
  CompletableFuture<Throwable> lost() {
    return lost;
  }

  /** Lets another one lead. */
  @Override
  public void close() {
    election.cancel(true);
    if (leading()) {
      try {
        lost.get(RELEASE_SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException _) {
        Thread.currentThread().interrupt();
      } catch (ExecutionException | TimeoutException e) {
        LOG.debug("lease not released", e);
      }
    }
  }
}
