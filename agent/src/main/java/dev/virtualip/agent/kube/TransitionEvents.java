package dev.virtualip.agent.kube;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.kube.EventWriter;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectReference;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/**
 * Writes a Kubernetes Event for each change of a virtual router's state, and as master for those of
 * its virtual servers, so that {@code kubectl describe} shows what happened and why. One thread may
 * call {@link #objects} while another calls the other methods.
 */
public final class TransitionEvents {
  private final EventWriter events;
  private final String nodeName;
  private final LongSupplier clock;
  private final Map<String, NodeStatus> last = new HashMap<>();
  private final Map<String, Budget> budgets = new HashMap<>();
  private volatile Map<String, ObjectReference> objects = Map.of();

  /**
   * @param events writes the Events; the caller has to close it
   * @param clock nanoseconds, for the {@link Budget} of each VirtualIP
   */
  public TransitionEvents(EventWriter events, String nodeName, LongSupplier clock) {
    this.clock = clock;
    this.events = events;
    this.nodeName = nodeName;
  }

  /** Sets the present objects, whose UIDs Events need. Call it before {@link #changed}. */
  public void objects(Collection<VirtualIp> virtualIps) {
    objects =
        virtualIps.stream()
            .collect(
                Collectors.toUnmodifiableMap(
                    vip -> vip.getMetadata().getName(), vip -> reference(vip.getMetadata())));
  }

  /** A VirtualIP as what an Event is about. */
  static ObjectReference reference(ObjectMeta metadata) {
    var reference = new ObjectReference();
    reference.setApiVersion(HasMetadata.getApiVersion(VirtualIp.class));
    reference.setKind(HasMetadata.getKind(VirtualIp.class));
    reference.setName(metadata.getName());
    reference.setUid(metadata.getUid());
    return reference;
  }

  /** Handles a status; an Event is written only if state or reason has changed. */
  public void changed(String virtualIp, NodeStatus status) {
    var before = last.put(virtualIp, status);
    var about = objects.get(virtualIp);
    boolean news =
        before == null
            || before.state() != status.state()
            || !Objects.equals(before.reason(), status.reason());
    if (news && about != null && mayWrite(virtualIp)) {
      events.record(
          about,
          status.state() == State.Fault,
          status.state().name(),
          text(nodeName, status),
          change(before, status));
    }
    if (about != null && status.state() == State.Master) {
      ServerEvents.of(nodeName, before, status)
          .forEach(e -> events.record(about, e.warning(), e.reason(), e.message(), e.detail()));
    }
  }

  private boolean mayWrite(String virtualIp) {
    long now = clock.getAsLong();
    return budgets.computeIfAbsent(virtualIp, _ -> new Budget(now)).take(now);
  }

  /** The state before and how long the change took; empty if only the reason has changed. */
  private static String change(NodeStatus before, NodeStatus status) {
    boolean changed =
        before != null && before.state() != status.state() && status.history() != null;
    return changed
        ? " (was %s, took %s)".formatted(before.state(), status.history().getFirst().took())
        : "";
  }

  /** This node neither runs nor refuses a VirtualIP any more. */
  public void removed(String virtualIp) {
    last.remove(virtualIp);
    budgets.remove(virtualIp);
  }

  static String text(String nodeName, NodeStatus status) {
    var what = "%s is %s: %s".formatted(nodeName, status.state(), status.reason());
    return status.message() == null ? what : what + ": " + status.message();
  }
}
