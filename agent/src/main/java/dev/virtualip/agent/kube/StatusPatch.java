package dev.virtualip.agent.kube;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.kube.MergePatch;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The patch that a node writes into the status of a VirtualIP: its own key and, as Master, {@code
 * master}, {@code transitions} and {@code backups}. So these are right without the operator too.
 */
final class StatusPatch {
  private static final JsonMapper MAPPER = new JsonMapper();

  private StatusPatch() {}

  /**
   * A JSON merge patch (RFC 7386) of the status subresource.
   *
   * @param status null to remove the node's key
   * @param master whether this node is Master
   * @param wasMaster whether it was Master in its last patch
   * @param yields whether a successor takes its name out of {@code status.master} in a moment
   * @param cached the status as last seen, or null
   */
  static ObjectNode of(
      String node,
      NodeStatus status,
      boolean master,
      boolean wasMaster,
      boolean yields,
      VirtualIpStatus cached) {
    var patch = MAPPER.createObjectNode();
    var own = patch.putObject("status");
    own.putObject("nodes").set(node, status == null ? null : MergePatch.whole(status));
    if (claimsMaster(node, master, wasMaster, cached)) {
      own.put("master", node);
      if (!wasMaster && cached != null) {
        own.put("transitions", cached.transitions() == null ? 1 : cached.transitions() + 1);
      }
    } else if (!yields && givesUpMaster(node, master, cached)) {
      own.putNull("master");
    }
    if (master && cached != null && !Objects.equals(cached.backups(), backups(node, cached))) {
      own.put("backups", backups(node, cached));
    }
    return patch;
  }

  /** Whether a status written before has to be written again, given the status as last seen. */
  static boolean needed(String node, boolean master, boolean yields, VirtualIpStatus cached) {
    return cached == null
        || cached.nodes() == null
        || cached.nodes().get(node) == null
        || node.equals(cached.master())
            && master
            && !Objects.equals(cached.backups(), backups(node, cached))
        || claimsMaster(node, master, true, cached)
        || !yields && givesUpMaster(node, master, cached);
  }

  /** Whether the operator has written that this node is not heard of. */
  static boolean isUnknown(String node, VirtualIpStatus cached) {
    return cached != null
        && cached.nodes() != null
        && cached.nodes().get(node) != null
        && cached.nodes().get(node).state() == State.Unknown;
  }

  /** The number of nodes that could take over from this one. */
  private static int backups(String node, VirtualIpStatus cached) {
    var others = new HashMap<>(Objects.requireNonNullElse(cached.nodes(), Map.of()));
    others.remove(node);
    return VirtualIpStatus.backups(others);
  }

  /**
   * Whether to write {@code status.master}. A node that has just become Master does. Later it only
   * corrects a name that is missing or belongs to a node that is not Master, so that two Masters do
   * not overwrite each other.
   */
  private static boolean claimsMaster(
      String node, boolean master, boolean wasMaster, VirtualIpStatus cached) {
    var seen = cached == null ? VirtualIpStatus.EMPTY : cached;
    return master
        && !node.equals(seen.master())
        && (!wasMaster || seen.master() == null || !isMaster(seen, seen.master()));
  }

  private static boolean givesUpMaster(String node, boolean master, VirtualIpStatus cached) {
    return !master && isNamed(node, cached);
  }

  /** Whether {@code status.master} names this node. */
  static boolean isNamed(String node, VirtualIpStatus cached) {
    return cached != null && node.equals(cached.master());
  }

  private static boolean isMaster(VirtualIpStatus status, String node) {
    var nodes = status.nodes() == null ? Map.<String, NodeStatus>of() : status.nodes();
    return nodes.get(node) != null && nodes.get(node).state() == State.Master;
  }
}
