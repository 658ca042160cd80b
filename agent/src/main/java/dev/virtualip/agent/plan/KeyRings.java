package dev.virtualip.agent.plan;

import dev.virtualip.agent.vrrp.Hmac;
import dev.virtualip.agent.vrrp.HmacKey;
import dev.virtualip.agent.vrrp.KeyRing;
import dev.virtualip.agent.vrrp.KeyRing.Report;
import dev.virtualip.crds.schema.Authentication.HmacAuthentication.Mode;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.HmacStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys of all VirtualIPs with signed adverts, by name, as they roll over. Used by one thread.
 */
public final class KeyRings {
  private static final Logger LOG = LoggerFactory.getLogger(KeyRings.class);

  private final String nodeName;
  private final Map<String, KeyRing> earlier;
  private final Map<String, KeyRing> rings = new HashMap<>();

  /** VirtualIPs that have begun, and that some node may not understand yet. */
  private final Set<String> beginning = new HashSet<>();

  /** Those among them that have no former keys. */
  private final Set<String> anew = new HashSet<>();

  private KeyRings(String nodeName, Map<String, KeyRing> earlier) {
    this.nodeName = nodeName;
    this.earlier = new HashMap<>(earlier);
  }

  /** Where VirtualIPs come from files, so that no node reports. */
  public static KeyRings untold() {
    return new KeyRings(null, Map.of());
  }

  /**
   * Where nodes report.
   *
   * @param earlier the keys as they were when the agent ended
   */
  public static KeyRings of(String nodeName, Map<String, KeyRing> earlier) {
    return new KeyRings(nodeName, earlier);
  }

  /** The keys as they are; without those of VirtualIPs that may have to begin once more. */
  public Map<String, KeyRing> all() {
    var all = new HashMap<>(rings);
    all.keySet().removeAll(anew);
    return all;
  }

  /** Forgets all other VirtualIPs. */
  void retain(Collection<String> names) {
    rings.keySet().retainAll(names);
    beginning.retainAll(names);
    anew.retainAll(names);
  }

  /** Forgets a VirtualIP, as its adverts are not signed. */
  void forget(String name) {
    rings.remove(name);
    beginning.remove(name);
    anew.remove(name);
  }

  /**
   * The keys of a VirtualIP after a look at Secret and status.
   *
   * @param read the keys of the Secret, or null if there are none: then the former ones stay
   * @return null if there are none, and were none
   */
  KeyRing update(VirtualIp vip, List<HmacKey> read) {
    var name = vip.getMetadata().getName();
    var ring = nodeName == null ? untold(name, read) : told(vip, read);
    if (ring != null && !ring.equals(rings.put(name, ring))) {
      LOG.info(
          "keys vip={} read={} kept={} sends={}", name, ring.keys(), ring.kept(), ring.sends());
    }
    return ring;
  }

  private KeyRing untold(String name, List<HmacKey> read) {
    return read == null ? rings.get(name) : KeyRing.untold(read);
  }

  private KeyRing told(VirtualIp vip, List<HmacKey> read) {
    var name = vip.getMetadata().getName();
    var nodes = nodes(vip);
    var all = nodes.values().stream().map(KeyRings::report).toList();
    var own = nodes.remove(nodeName);
    var others = nodes.values().stream().map(KeyRings::report).toList();
    var former = earlier.remove(name);
    // Without a report of its own the others have gone on without this node.
    boolean counts = own != null && own.hmac() != null;
    var before = rings.getOrDefault(name, counts ? former : null);
    if (before == null && read == null) {
      return null;
    }
    if (!rings.containsKey(name)) {
      beginning.add(name);
    }
    if (before == null) {
      anew.add(name);
      return KeyRing.begin(read, others);
    }
    var ring = read == null ? before : before.read(read);
    // Its own report counts too: what the others cannot have seen yet must not be taken for told.
    return counts ? ring.told(all) : ring;
  }

  /** What a node tells of its keys. */
  public static HmacStatus status(Hmac hmac) {
    var ring = hmac.ring();
    return new HmacStatus(
        Mode.valueOf(hmac.mode().name()),
        ring.names(),
        ring.kept().isEmpty() ? null : ring.kept().stream().map(HmacKey::name).toList(),
        ring.sends().name());
  }

  /**
   * A node whose adverts a VirtualIP that begins would drop, or the other way round: each would
   * take itself for the only one. Null once there is none, and from then on.
   */
  String stranger(VirtualIp vip) {
    var name = vip.getMetadata().getName();
    if (!beginning.contains(name) || !rings.containsKey(name)) {
      return null;
    }
    var others = nodes(vip);
    others.remove(nodeName);
    for (var other : others.entrySet()) {
      boolean waits =
          anew.contains(name) ? isHeardOf(other.getValue()) : takesPart(other.getValue());
      if (waits && !rings.get(name).agreesWith(report(other.getValue()))) {
        return other.getKey();
      }
    }
    beginning.remove(name);
    anew.remove(name);
    return null;
  }

  private static Map<String, NodeStatus> nodes(VirtualIp vip) {
    var status = vip.getStatus();
    return status == null || status.nodes() == null
        ? new TreeMap<>()
        : new TreeMap<>(status.nodes());
  }

  private static boolean isHeardOf(NodeStatus node) {
    return node.state() != State.Unknown;
  }

  private static boolean takesPart(NodeStatus node) {
    return node.state() == State.Master || node.state() == State.Backup;
  }

  private static Report report(NodeStatus node) {
    var hmac = node.hmac();
    return hmac == null ? Report.NONE : new Report(hmac.keys(), hmac.kept(), hmac.sends());
  }
}
