package dev.virtualip.agent.net;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;

/**
 * Source NAT by nftables. Each {@link SourceNat} is a table of its own, which is put and removed as
 * a whole: packets meet all of it or nothing. What is in nftables from other programs stays.
 *
 * <p>A table acts for as long as its lease: whoever put it renews that.
 */
public interface NatPort extends AutoCloseable {
  /** How the names of this agent's tables begin. A second agent on the node has its own. */
  String PREFIX = Boolean.getBoolean(AddressPort.SECOND) ? "virtualip2-" : "virtualip-";

  /** A table of this agent or of an earlier life, by its family and name. */
  record Table(boolean ipv6, String name) {
    /** Longest part of a table's name behind the prefix: the kernel takes 255 bytes in all. */
    private static final int NAME_MAX = 240;

    /** The table of a source NAT. */
    public static Table of(SourceNat nat) {
      var name = nat.virtualIp();
      if (name.length() > NAME_MAX) {
        name = name.substring(0, NAME_MAX - 9) + "-" + Integer.toHexString(name.hashCode());
      }
      return new Table(nat.isIpv6(), PREFIX + name);
    }
  }

  /**
   * The tables of this agent, each with the number of its rules.
   *
   * @throws IOException with what to do, if the kernel has no nftables
   */
  Map<Table, Integer> tables() throws IOException;

  /** How many rules the table of a source NAT has. */
  int rules(SourceNat nat);

  /**
   * Puts a table, in place of one that is there. Connections that go on keep their source.
   *
   * @param lease how long it acts, in whole milliseconds
   * @throws IOException with the kernel's reason and what to do; then nothing has changed
   */
  void put(SourceNat nat, Duration lease) throws IOException;

  /** Renews the lease of a table that is there. */
  void renew(SourceNat nat, Duration lease) throws IOException;

  /** Removes a table. Connections that go on keep their source. */
  void delete(Table table) throws IOException;

  @Override
  void close();
}
