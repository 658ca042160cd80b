package dev.virtualip.vip;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.SwitchOver.Result;
import dev.virtualip.vip.tell.Reports;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientTimeoutException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * Asks for switch-overs by the annotation {@value VirtualIp#SWITCH_TO}, which the operator obeys.
 */
final class SwitchOver {
  private static final PatchContext MERGE = PatchContext.of(PatchType.JSON_MERGE);

  private final KubernetesClient client;
  private final Duration patience;

  /**
   * Switch-overs by this client.
   *
   * @param patience how long to wait for the operator and the nodes
   */
  SwitchOver(KubernetesClient client, Duration patience) {
    this.client = client;
    this.patience = patience;
  }

  /** The node that a VirtualIP is switched over to, or null. */
  static String to(VirtualIp vip) {
    var annotations = vip.getMetadata().getAnnotations();
    return annotations == null ? null : annotations.get(VirtualIp.SWITCH_TO);
  }

  /** The VirtualIPs that have to move with one, and itself. */
  List<VirtualIp> group(VirtualIp vip) {
    var group = vip.getSpec().syncGroup();
    return group == null
        ? List.of(vip)
        : Connection.all(client).stream()
            .filter(other -> group.equals(other.getSpec().syncGroup()))
            .toList();
  }

  /**
   * Makes a node master; returns when it is.
   *
   * @throws IllegalStateException if it is refused, and then all is as before, or if it does not
   *     end in time, and then it goes on
   */
  void to(VirtualIp vip, String node) {
    var name = vip.getMetadata().getName();
    for (var other : group(vip)) {
      if (to(other) != null && !name.equals(other.getMetadata().getName())) {
        throw new IllegalStateException(
            "%s of the sync group has a switch-over to %s: kubectl vip release %1$s"
                .formatted(other.getMetadata().getName(), to(other)));
      }
    }
    var status = vip.getStatus() == null ? null : vip.getStatus().switchOver();
    if (status != null && node.equals(status.to()) && status.result() == Result.Refused) {
      // A refused one is not tried again before its annotation has gone.
      annotate(name, null);
      await(name, v -> switchOver(v) == null, "the operator does not answer: does one run?");
    }
    annotate(name, node);
    var answered =
        await(
            name,
            v -> isAnswered(v, node),
            "%s is not master yet; kubectl vip release %s takes the request back"
                .formatted(node, name));
    var answer = switchOver(answered);
    if (answer.result() == Result.Refused) {
      annotate(name, to(vip));
      throw new IllegalStateException("refused: " + answer.message());
    }
  }

  /**
   * Removes the annotation from a VirtualIP and its sync group; returns the names of who had it.
   */
  List<String> release(VirtualIp vip) {
    var released =
        group(vip).stream()
            .filter(member -> to(member) != null)
            .map(member -> member.getMetadata().getName())
            .toList();
    released.forEach(member -> annotate(member, null));
    return released;
  }

  /** Takes a request back that this program has made, and no other. */
  void takeBack(String name, String node) {
    if (node.equals(to(Connection.one(client, name)))) {
      annotate(name, null);
    }
  }

  /**
   * Waits until a VirtualIP is as it has to be.
   *
   * @throws IllegalStateException if that takes too long; it ends with what is said of that
   */
  VirtualIp await(String name, Predicate<VirtualIp> condition, String otherwise) {
    try {
      return client
          .resources(VirtualIp.class)
          .withName(name)
          .waitUntilCondition(
              vip -> vip != null && condition.test(vip),
              patience.toMillis(),
              TimeUnit.MILLISECONDS);
    } catch (KubernetesClientTimeoutException _) {
      throw new IllegalStateException(
          "%s after %d s: %s".formatted(name, patience.toSeconds(), otherwise));
    }
  }

  private static VirtualIpStatus.SwitchOver switchOver(VirtualIp vip) {
    return vip.getStatus() == null ? null : vip.getStatus().switchOver();
  }

  private static boolean isAnswered(VirtualIp vip, String node) {
    var answer = switchOver(vip);
    return answer != null
        && node.equals(answer.to())
        && (answer.result() == Result.Refused
            || answer.result() == Result.Done && Reports.masters(vip).equals(List.of(node)));
  }

  private void annotate(String name, String node) {
    var patch = JsonNodeFactory.instance.objectNode();
    patch.putObject("metadata").putObject("annotations").put(VirtualIp.SWITCH_TO, node);
    client.resources(VirtualIp.class).withName(name).patch(MERGE, patch.toString());
  }
}
