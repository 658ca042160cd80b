package dev.virtualip.agent.holding;

import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
import java.util.List;

/**
 * One kind of thing that a master has on its node. It remembers nothing.
 *
 * @param <T> the thing as the kernel knows it
 */
interface Kind<T> {

  /**
   * What a configuration wants to be on the node.
   *
   * @throws MissingNic if a NIC that it names is not there
   */
  List<T> wanted(InstanceConfig config, NodeNetwork network) throws MissingNic;

  /** Puts it, or renews its lease. */
  Change put(T thing, long leaseSeconds);

  /** Takes it off. */
  Change delete(T thing);

  /** Whether it has a lease of its own, to be renewed by being put again. */
  boolean isLeased(T thing);

  /** Whether the kernel has room for only one of the two: putting one removes the other. */
  default boolean replaces(T thing, T other) {
    return thing.equals(other);
  }

  /** Whether what is found on the node is this one, as the kernel may have changed it. */
  default boolean isSame(T thing, T found) {
    return thing.equals(found);
  }

  /** Whether a report may mean that it is gone. */
  boolean mayBeGone(T thing, NetworkEvent event);

  /** Whether the kernel would take it now; what it would not is put when it would. */
  default boolean canBePut(T thing, NodeNetwork network) {
    return true;
  }

  /** Whether the node has it, as last read. */
  boolean isThere(T thing, NodeNetwork network);

  /** Whether the node has it from somebody else, as last read: then it stays as it is. */
  default boolean isOfOthers(T thing, NodeNetwork network) {
    return false;
  }

  /** All on the node that carries virtualip's mark, as last read. */
  List<T> marked(NodeNetwork network);

  /** A NIC that is configured is not there. */
  final class MissingNic extends Exception {
    private static final long serialVersionUID = 1;

    MissingNic(String name) {
      super("there is no NIC " + name);
    }
  }
}
