package dev.virtualip.agent.loop;

import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.plan.Plan;
import dev.virtualip.agent.plan.PlanChange;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.agent.vrrp.KeyRing;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.log.Defects;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that plans. It takes the newest desired configuration and the newest NICs of the node,
 * and passes on what has to change. Callers never wait.
 */
public final class Planning implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(Planning.class);

  /** Receives what will run, before the event loop does. */
  public interface Listener {
    /**
     * This node runs these versions of these objects from now on.
     *
     * @param keys the keys of their signed adverts, by name
     */
    void accepted(Desired desired, Map<String, VirtualIp> running, Map<String, KeyRing> keys);
  }

  private final Plan plan;
  private final Listener listener;
  private final Consumer<PlanChange> consumer;
  private Desired desired;
  private Nics nics;

  /**
   * @param consumer gets each change, on this thread; it may block
   */
  public Planning(Plan plan, Listener listener, Consumer<PlanChange> consumer) {
    this.plan = plan;
    this.listener = listener;
    this.consumer = consumer;
  }

  /** Replaces the desired configuration; one not yet planned is skipped. */
  public synchronized void desired(Desired newest) {
    desired = newest;
    notifyAll();
  }

  /** Replaces the node's NICs. */
  public synchronized void nics(Nics newest) {
    nics = newest;
    notifyAll();
  }

  @Override
  public void run() {
    try {
      Desired decided = null;
      Nics seen = null;
      while (true) {
        Desired wanted;
        Nics present;
        synchronized (this) {
          while (!isDue(decided, seen)) {
            wait();
          }
          wanted = desired;
          present = nics;
        }
        decide(wanted, present, decided == null);
        decided = wanted;
        seen = present;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Running instances look up their NICs themselves, so a change of NICs matters only while
   * something is refused.
   */
  private boolean isDue(Desired decided, Nics seen) {
    return desired != null
        && nics != null
        && (desired != decided || nics != seen && plan.isAnyRefused());
  }

  private void decide(Desired wanted, Nics present, boolean first) {
    Defects.contain(
        () -> {
          var change = plan.change(wanted, present);
          listener.accepted(wanted, plan.running(), plan.keys());
          if (first || !change.isEmpty()) {
            consumer.accept(change);
          }
          LOG.info(
              "configured objects={} run={} refused={}",
              wanted.virtualIps().size(),
              plan.running().keySet(),
              plan.refused());
        });
  }
}
