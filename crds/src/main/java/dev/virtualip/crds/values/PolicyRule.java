package dev.virtualip.crds.values;

/**
 * A policy routing rule (ip-rule(8)): packets that match both prefixes ask a routing table. It has
 * at least one prefix, so that it never matches everything.
 *
 * @param from prefix of the source address, or null for any
 * @param to prefix of the destination address, of the same family, or null for any
 * @param table routing table, 1 to 4294967295
 * @param priority place among the node's rules, which are asked from the lowest up
 */
public record PolicyRule(IpPrefix from, IpPrefix to, long table, long priority) {
  /** Refuses what would match everything. */
  public PolicyRule {
    if (from == null && to == null) {
      throw new IllegalArgumentException("a rule needs from or to");
    }
  }

  /**
   * Parses a prefix, or an address, which stands for itself alone.
   *
   * @throws IllegalArgumentException with a message that says what to write instead
   */
  public static IpPrefix prefix(String text) {
    if (text.contains("/")) {
      return IpPrefix.parse(text);
    }
    var address = IpPrefix.parseAddress(text);
    return new IpPrefix(address, 8 * address.getAddress().length);
  }

  /** Whether it is of the IPv6 family. */
  public boolean isIpv6() {
    return (from == null ? to : from).isIpv6();
  }

  /**
   * Whether the two cannot both be: they have the same priority, and either ask different tables
   * for some packet, so that it depends on which was added first where it goes; or ask the same
   * table, and one is part of the other. Of the latter the kernel refuses to add the wider one, and
   * to delete it may delete the other.
   */
  public boolean clashesWith(PolicyRule other) {
    if (isIpv6() != other.isIpv6() || priority != other.priority) {
      return false;
    }
    return table == other.table
        ? covers(other) || other.covers(this)
        : meet(from, other.from) && meet(to, other.to);
  }

  private boolean covers(PolicyRule other) {
    return covers(from, other.from) && covers(to, other.to);
  }

  private static boolean meet(IpPrefix a, IpPrefix b) {
    return covers(a, b) || covers(b, a);
  }

  private static boolean covers(IpPrefix wide, IpPrefix narrow) {
    return wide == null
        || narrow != null && wide.length() <= narrow.length() && wide.contains(narrow.address());
  }

  @Override
  public String toString() {
    return "from %s to %s lookup %d priority %d"
        .formatted(from == null ? "all" : from, to == null ? "all" : to, table, priority);
  }
}
