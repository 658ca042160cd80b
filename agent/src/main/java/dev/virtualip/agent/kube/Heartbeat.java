package dev.virtualip.agent.kube;

import dev.virtualip.agent.client.ApiServer;
import dev.virtualip.kube.ApiCall;
import dev.virtualip.log.Defects;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Renews a Lease in virtualip's namespace every 5 s while the agent works. By it the operator knows
 * that the agent's last status still holds.
 */
public final class Heartbeat implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Heartbeat.class);
  private static final Duration PERIOD = Duration.ofSeconds(5);
  private static final Duration RETRY = Duration.ofSeconds(1);
  private static final int LEASE_SECONDS = 15;

  private final ApiServer api;
  private final String nodeName;
  private final String namespace;
  private final PodReference pod;
  private final BooleanSupplier alive;
  private final Runnable onBeat;
  private final Thread thread = Thread.ofVirtual().name("heartbeat").unstarted(this::run);
  private boolean failing;

  /** The pod that the agent runs in. */
  public record PodReference(String name, String uid) {}

  private Heartbeat(
      ApiServer api,
      String nodeName,
      String namespace,
      PodReference pod,
      BooleanSupplier alive,
      Runnable onBeat) {
    this.api = api;
    this.nodeName = nodeName;
    this.namespace = namespace;
    this.pod = pod;
    this.alive = alive;
    this.onBeat = onBeat;
  }

  /**
   * Starts the heartbeat.
   *
   * @param namespace virtualip's own namespace
   * @param pod the agent's pod, which takes the Lease along when it is deleted; null outside a pod
   * @param alive whether the event loop works; no renewal otherwise
   * @param onBeat is run after each renewal; must not block
   */
  public static Heartbeat start(
      ApiServer api,
      String nodeName,
      String namespace,
      PodReference pod,
      BooleanSupplier alive,
      Runnable onBeat) {
    var heartbeat = new Heartbeat(api, nodeName, namespace, pod, alive, onBeat);
    heartbeat.thread.start();
    return heartbeat;
  }

  @Override
  public void close() {
    thread.interrupt();
  }

  private void run() {
    try {
      while (true) {
        Thread.sleep(good() ? PERIOD : RETRY);
      }
    } catch (InterruptedException _) {
      LOG.debug("heartbeat_closed");
    }
  }

  private boolean good() throws InterruptedException {
    try {
      return !alive.getAsBoolean() || beat();
    } catch (RuntimeException | Error e) {
      Defects.goOn(e);
      return false;
    }
  }

  private boolean beat() throws InterruptedException {
    var path =
        "apis/coordination.k8s.io/v1/namespaces/%s/leases/%s?fieldManager=virtualip-agent&force=true"
            .formatted(namespace, leaseName(nodeName));
    try {
      var answer = api.send("PATCH", path, ApiCall.APPLY_PATCH, lease());
      boolean renewed = told(answer.ok() ? null : answer.toString());
      if (renewed) {
        onBeat.run();
      }
      return renewed;
    } catch (IOException e) {
      return told(e.toString().lines().findFirst().orElse(""));
    }
  }

  private boolean told(String error) {
    if (error != null && !failing) {
      LOG.warn("heartbeat_failed error=\"{}\": trying again", error);
    } else if (error == null && failing) {
      LOG.info("heartbeat_back");
    }
    failing = error != null;
    return !failing;
  }

  static String leaseName(String nodeName) {
    return "agent-" + nodeName;
  }

  private String lease() {
    return lease(nodeName, namespace, pod, Clock.systemUTC());
  }

  static String lease(String nodeName, String namespace, PodReference pod, Clock clock) {
    var owner =
        pod == null
            ? ""
            : """
              ,"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"%s","uid":"%s"}]"""
                .formatted(pod.name(), pod.uid());
    // A MicroTime must have exactly six fractional digits.
    var time = clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
    return """
        {"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"%s",\
        "namespace":"%s","labels":{"app.kubernetes.io/name":"virtualip-agent",\
        "app.kubernetes.io/part-of":"virtualip"}%s},"spec":{"holderIdentity":"%s",\
        "leaseDurationSeconds":%d,"renewTime":"%s"}}"""
        .formatted(
            leaseName(nodeName),
            namespace,
            owner,
            nodeName,
            LEASE_SECONDS,
            time.replace("Z", ".000000Z"));
  }
}
