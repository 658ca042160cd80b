package dev.virtualip.crds.values;

/**
 * A policy routing rule (ip-rule(8)): packets that match both prefixes use a routing table. It has
 * at least one prefix, so that it never matches every packet.
 *
 * @param from prefix of the source address, or null for any
 * @param to prefix of the destination address, of the same family, or null for any
 * @param table routing table, 1 to 4294967295
 * @param priority place among the node's rules, which are evaluated from the lowest priority up
 */
public record PolicyRule(IpPrefix from, IpPrefix to, long table, long priority) {
  /**
   * Refuses a rule that would match every packet.
   *
   * @throws IllegalArgumentException if both prefixes are null
   */
  public PolicyRule {
    if (from == null && to == null) {
      throw new IllegalArgumentException("a rule needs from or to");
    }
  }

  /**
   * Parses a prefix, or an address as the prefix of this address alone.
   *
   * @throws IllegalArgumentException if it is not valid; the message says what to write instead
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
   * Whether two rules cannot exist together. They have the same priority, and one of two problems.
   * With different tables and a packet that matches both, the route of that packet depends on the
   * order in which they were added. With the same table and one rule within the other, the kernel
   * refuses to add the wider rule, and deleting it may delete the narrower one.
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
