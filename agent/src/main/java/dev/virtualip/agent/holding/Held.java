package dev.virtualip.agent.holding;

import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What one virtual router has of one kind on its node. */
final class Held<T> {
  private final Kind<T> kind;

  /** What may be there and has to be taken off in the end. */
  private final Set<T> ours = new LinkedHashSet<>();

  /** What is known to be there, and need not be put. */
  private final Set<T> sure = new LinkedHashSet<>();

  private List<T> wanted = List.of();

  Held(Kind<T> kind) {
    this.kind = kind;
  }

  /** Takes in what is wanted, before anything is asked for. */
  void want(InstanceConfig config, NodeNetwork network) throws Kind.MissingNic {
    wanted = kind.wanted(config, network);
  }

  /** Puts all that is wanted, has a lease, or is not known to be there. */
  List<Change> puts(long leaseSeconds) {
    return wanted.stream()
        .filter(thing -> kind.isLeased(thing) || !sure.contains(thing))
        .map(thing -> kind.put(thing, leaseSeconds))
        .toList();
  }

  /** Puts all that is wanted, whether it is there or not. */
  List<Change> putsAnew(long leaseSeconds) {
    return wanted.stream().map(thing -> kind.put(thing, leaseSeconds)).toList();
  }

  /** Takes off what is held but no longer wanted. */
  List<Change> deletes() {
    return ours.stream()
        .filter(thing -> wanted.stream().noneMatch(other -> kind.replaces(other, thing)))
        .map(kind::delete)
        .toList();
  }

  /** Takes everything off, with what others have left of it. */
  List<Change> deletesOfAll(InstanceConfig config, NodeNetwork network) {
    wanted = List.of();
    ours.addAll(kind.leftOvers(config, network));
    return deletes();
  }

  /** Before the kernel answers: what is asked for may be there whatever it says. */
  void asked() {
    ours.addAll(wanted);
    sure.clear();
  }

  /** The kernel has done it all. */
  void done() {
    ours.retainAll(wanted);
    sure.addAll(wanted);
  }

  /** Reports were lost, or an answer: what is put next is everything. */
  void doubt() {
    sure.clear();
  }

  /** Whether a report says that something is gone that was known to be there. */
  boolean loses(NetworkEvent event) {
    return sure.removeIf(thing -> kind.isRemoved(thing, event));
  }

  /** Something of another kind is gone: what may have gone with it is put again. */
  void mayLose(NetworkEvent event) {
    sure.removeIf(thing -> kind.mayGoWith(thing, event));
  }

  /** The kernel has taken off all that was asked for, but for these. */
  void released(List<Change> refused) {
    ours.removeIf(thing -> !refused.contains(kind.delete(thing)));
  }

  /** Whether nothing of it may be there any more. */
  boolean isEmpty() {
    return ours.isEmpty();
  }

  /** Whether this is held, and so no left-over of an earlier life. */
  boolean holds(T found) {
    return ours.stream().anyMatch(thing -> kind.isSame(thing, found));
  }
}
