package dev.virtualip.agent.holding;

import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The things of one {@link Kind} that one virtual router holds on its node, and the changes that
 * put, renew and remove them.
 */
final class Held<T> {
  private final Kind<T> kind;
  private final NodeNetwork network;

  /** Things that may be on the node and have to be removed in the end. */
  private final Set<T> ours = new LinkedHashSet<>();

  /** Things known to be on the node, which need not be put again. */
  private final Set<T> sure = new LinkedHashSet<>();

  /** Things that a report says are gone; put back after the next reading. */
  private final Set<T> lost = new HashSet<>();

  /** Things that were left out of a renewal since, so that their lease may be about to end. */
  private final Set<T> unrenewed = new HashSet<>();

  private Set<T> wanted = Set.of();

  Held(Kind<T> kind, NodeNetwork network) {
    this.kind = kind;
    this.network = network;
  }

  /** Takes in what is wanted, before anything is asked for. What others have put stays theirs. */
  void want(InstanceConfig config) throws Kind.MissingNic {
    wanted = new LinkedHashSet<>(kind.wanted(config, network));
    wanted.removeIf(this::isOfOthers);
  }

  /** The same while it goes on to hold things: they may have to be put on another link. */
  void wantElsewhere(InstanceConfig config) throws Kind.MissingNic {
    want(config);
    ours.addAll(wanted);
  }

  private boolean isOfOthers(T thing) {
    return !ours.contains(thing) && kind.isOfOthers(thing, network);
  }

  /** What is configured, as far as its NICs are there. */
  List<T> configured(InstanceConfig config) {
    try {
      return kind.wanted(config, network);
    } catch (Kind.MissingNic _) {
      return List.of();
    }
  }

  /** What is configured and the node has from others. */
  List<T> ofOthers(InstanceConfig config) {
    return configured(config).stream().filter(this::isOfOthers).toList();
  }

  /** Changes that put every wanted thing that has a lease or is not known to be there. */
  List<Change> puts(long leaseSeconds) {
    return possible()
        .filter(thing -> kind.isLeased(thing) || !sure.contains(thing))
        .map(thing -> kind.put(thing, leaseSeconds))
        .toList();
  }

  /** Changes that put every wanted thing that is not known to be there. */
  List<Change> putsBack(long leaseSeconds) {
    return possible()
        .filter(thing -> !sure.contains(thing))
        .map(thing -> kind.put(thing, leaseSeconds))
        .toList();
  }

  /** Changes that renew every lease, but of things that a report says are gone. */
  List<Change> renewals(long leaseSeconds) {
    unrenewed.addAll(lost);
    // No stream: each master comes by here each second.
    var renewals = new ArrayList<Change>(wanted.size());
    for (var thing : wanted) {
      if (kind.isLeased(thing) && !lost.contains(thing) && kind.canBePut(thing, network)) {
        renewals.add(kind.put(thing, leaseSeconds));
      }
    }
    return renewals;
  }

  /** Changes that put every wanted thing, whether it is there or not. */
  List<Change> putsAnew(long leaseSeconds) {
    return possible().map(thing -> kind.put(thing, leaseSeconds)).toList();
  }

  private Stream<T> possible() {
    return wanted.stream().filter(thing -> kind.canBePut(thing, network));
  }

  /** Changes that remove what is held but no longer wanted. */
  List<Change> deletes() {
    return ours.stream()
        .filter(thing -> !wanted.contains(thing))
        .filter(thing -> wanted.stream().noneMatch(other -> kind.replaces(other, thing)))
        .map(kind::delete)
        .toList();
  }

  /**
   * Takes everything off that it has put, and holds nothing. The last one goes first: whenever the
   * first address of a subnet goes, the kernel puts all routes of the others anew.
   */
  List<Change> release() {
    wanted = Set.of();
    var changes = deletes().reversed();
    ours.clear();
    sure.clear();
    lost.clear();
    unrenewed.clear();
    return changes;
  }

  /** Takes over what is configured and an earlier life of the agent has left on the node. */
  void adopt(InstanceConfig config) {
    var marked = kind.marked(network);
    configured(config).stream()
        .filter(thing -> marked.stream().anyMatch(found -> kind.isSame(thing, found)))
        .forEach(ours::add);
  }

  /** Before the kernel answers: what is asked for may be there whatever it says. */
  void asked() {
    ours.addAll(wanted);
    sure.clear();
    lost.clear();
    unrenewed.clear();
  }

  /** The kernel has made all changes. */
  void done() {
    ours.retainAll(wanted);
    possible().forEach(sure::add);
  }

  /** A renewal was refused: whatever has a lease may be gone, or about to end. */
  void doubt() {
    wanted.stream().filter(kind::isLeased).forEach(unrenewed::add);
  }

  /** Whether a report says that something wanted has been removed; remembers what it names. */
  boolean loses(NetworkEvent event) {
    var gone = wanted.stream().filter(thing -> kind.isGone(thing, event)).toList();
    lost.addAll(gone);
    return !gone.isEmpty();
  }

  /** Whether a report may mean that something wanted has been removed. */
  boolean mayLose(NetworkEvent event) {
    return wanted.stream().anyMatch(thing -> kind.mayBeGone(thing, event));
  }

  /**
   * Things that are wanted and could be put but were not on the node when it was last read; and
   * those that are there, but were not renewed: the kernel refused that, or a report older than our
   * last change said that they are gone.
   */
  List<T> missing() {
    sure.clear();
    lost.clear();
    wanted.stream().filter(thing -> kind.isThere(thing, network)).forEach(sure::add);
    sure.removeAll(unrenewed);
    unrenewed.clear();
    return possible().filter(thing -> !sure.contains(thing)).toList();
  }

  /** Whether something found on the node is held here. */
  boolean holds(T found) {
    return ours.contains(found) || ours.stream().anyMatch(thing -> kind.isSame(thing, found));
  }

  /** Things that may be on the node. */
  Set<T> ours() {
    return ours;
  }
}
