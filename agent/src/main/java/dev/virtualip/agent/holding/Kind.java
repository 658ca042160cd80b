package dev.virtualip.agent.holding;

import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
import java.util.List;

/**
 * One kind of thing that a master holds on its node. Stateless.
 *
 * @param <T> the thing as the kernel knows it
 */
interface Kind<T> {

  /**
   * The things that a configuration asks for.
   *
   * @throws MissingNic if it names a NIC that does not exist
   */
  List<T> wanted(InstanceConfig config, NodeNetwork network) throws MissingNic;

  /**
   * The change that puts a thing or renews its lease.
   *
   * @param leaseSeconds ignored for things without a lease
   */
  Change put(T thing, long leaseSeconds);

  /** The change that removes a thing. */
  Change delete(T thing);

  /** Whether it has a lease of its own, which is renewed by putting it again. */
  boolean isLeased(T thing);

  /** Whether the kernel keeps only one of the two, so that putting one removes the other. */
  default boolean replaces(T thing, T other) {
    return thing.equals(other);
  }

  /** Whether a thing found on the node is this one, possibly altered by the kernel. */
  default boolean isSame(T thing, T found) {
    return thing.equals(found);
  }

  /** Whether a report may mean that the thing has been removed. */
  boolean mayBeGone(T thing, NetworkEvent event);

  /** Whether a report says that the thing has been removed. */
  default boolean isGone(T thing, NetworkEvent event) {
    return false;
  }

  /** Whether the kernel would accept it now. A thing that it would not is put later. */
  default boolean canBePut(T thing, NodeNetwork network) {
    return true;
  }

  /** Whether the node had it when it was last read. */
  boolean isThere(T thing, NodeNetwork network);

  /** Whether the node has it from somebody else, as last read: then it stays as it is. */
  default boolean isOfOthers(T thing, NodeNetwork network) {
    return false;
  }

  /** All things on the node that carry virtualip's mark, as last read. */
  List<T> marked(NodeNetwork network);

  /** A configured NIC does not exist on this node. */
  final class MissingNic extends Exception {
    private static final long serialVersionUID = 1;

    MissingNic(String name) {
      super("there is no NIC " + name);
    }
  }
}
