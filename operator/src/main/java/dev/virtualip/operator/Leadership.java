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
 * Leader election: of several operators the holder of the Lease {@value #LEASE} works, and the
 * others wait. When the leader ends another operator takes over at once; when it vanishes, as soon
 * as its Lease has expired. It is not in the namespace of the agents, which write Leases there.
 */
final class Leadership implements AutoCloseable {
  static final String LEASE = "virtualip-operator";
  static final String NAMESPACE = "default";

  private static final Logger LOG = LoggerFactory.getLogger(Leadership.class);
  private static final long RELEASE_SECONDS = 2;

  /** The failure of an operator that has lost the leadership. */
  static final class Lost extends Exception {
    private static final long serialVersionUID = 1;
  }

  private final CountDownLatch leading = new CountDownLatch(1);
  private final CompletableFuture<Throwable> lost = new CompletableFuture<>();
  private final CompletableFuture<?> election;

  private Leadership(KubernetesClient client, String name, Duration leaseDuration) {
    // The identity differs after each start. Otherwise a restarted operator might take the Lease of
    // its previous run for its own while another operator is about to acquire it.
    var identity = name + "_" + UUID.randomUUID().toString().substring(0, 8);
    election =
        client
            .leaderElector()
            .withConfig(
                new LeaderElectionConfigBuilder()
                    .withName(LEASE)
                    .withLock(new LeaseLock(NAMESPACE, LEASE, identity))
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
   * @param name name of this operator's pod
   * @param leaseDuration time after which a vanished leader is replaced
   */
  static Leadership seek(KubernetesClient client, String name, Duration leaseDuration) {
    return new Leadership(client, name, leaseDuration);
  }

  /** Waits until this operator is the leader. */
  void await() throws InterruptedException {
    leading.await();
  }

  /** Whether this operator is or has been the leader. */
  boolean leading() {
    return leading.getCount() == 0;
  }

  /** Completes when this operator is no longer the leader. */
  CompletableFuture<Throwable> lost() {
    return lost;
  }

  /** Releases the Lease, so that another operator leads at once. */
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
