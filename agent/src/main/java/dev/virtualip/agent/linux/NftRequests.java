package dev.virtualip.agent.linux;

import static dev.virtualip.agent.linux.NftTables.*;
import static dev.virtualip.agent.linux.Rtnetlink.*;

import dev.virtualip.agent.net.NatPort.Table;
import dev.virtualip.agent.net.SourceNat;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * Writes requests of nf_tables. Their fixed part is the family, a version of 0, and two bytes for
 * the subsystem in a batch.
 *
 * <pre>
 * table ip virtualip-web {
 *   set held { type ifname; flags timeout; elements = { eth1 timeout 4s } }
 *   set pods { type ipv4_addr; elements = { 10.244.0.5 } }
 *   chain postrouting {
 *     type nat hook postrouting priority 99
 *     oifname != @held return
 *     fib saddr type local return
 *     ip daddr 10.244.0.0/16 return
 *     ip saddr @pods snat to 203.0.113.10
 *     ip saddr 10.7.0.0/16 snat to 203.0.113.10
 *   }
 * }
 * </pre>
 */
final class NftRequests extends NetlinkWriter {
  private static final String HELD = "held";
  private static final String PODS = "pods";
  private static final String CHAIN = "postrouting";

  /** Before the usual rules of source NAT: the first one that matches counts. */
  private static final int PRIORITY = NF_IP_PRI_NAT_SRC - 1;

  private static final int SADDR4 = 12;
  private static final int DADDR4 = 16;
  private static final int SADDR6 = 8;
  private static final int DADDR6 = 24;

  NftRequests(ByteBuffer out) {
    super(out);
  }

  void batchBegin(int sequence) {
    batch(NFNL_MSG_BATCH_BEGIN, sequence);
  }

  void batchEnd(int sequence) {
    batch(NFNL_MSG_BATCH_END, sequence);
  }

  private void batch(int type, int sequence) {
    int start = begin(type, 0, sequence);
    out.put((byte) AF_UNSPEC).put((byte) 0);
    out.put((byte) 0).put((byte) NFNL_SUBSYS_NFTABLES);
    end(start);
  }

  private int begin(int message, int flags, int sequence, boolean ipv6) {
    int start = begin(type(message), flags, sequence);
    out.put((byte) (ipv6 ? AF_INET6 : AF_INET)).put((byte) 0).putShort((short) 0);
    return start;
  }

  /** Asks for all tables of a family. */
  void dumpTables(int sequence, boolean ipv6) {
    end(begin(NFT_MSG_GETTABLE, NLM_F_DUMP, sequence, ipv6));
  }

  /** Asks for the rules of a table. */
  void dumpRules(int sequence, Table table) {
    int start = begin(NFT_MSG_GETRULE, NLM_F_DUMP, sequence, table.ipv6());
    text(NFTA_RULE_TABLE, table.name());
    end(start);
  }

  /** Adds a table unless it is there. */
  void addTable(int sequence, Table table) {
    table(NFT_MSG_NEWTABLE, NLM_F_CREATE, sequence, table);
  }

  /** Removes a table with all that it has. */
  void deleteTable(int sequence, Table table) {
    table(NFT_MSG_DELTABLE, 0, sequence, table);
  }

  private void table(int message, int flags, int sequence, Table table) {
    int start = begin(message, NLM_F_ACK | flags, sequence, table.ipv6());
    text(NFTA_TABLE_NAME, table.name());
    end(start);
  }

  void addChain(int sequence, Table table) {
    int start = begin(NFT_MSG_NEWCHAIN, NLM_F_ACK | NLM_F_CREATE, sequence, table.ipv6());
    text(NFTA_CHAIN_TABLE, table.name());
    text(NFTA_CHAIN_NAME, CHAIN);
    text(NFTA_CHAIN_TYPE, "nat");
    int hook = nested(NFTA_CHAIN_HOOK);
    number(NFTA_HOOK_HOOKNUM, NF_INET_POST_ROUTING);
    number(NFTA_HOOK_PRIORITY, PRIORITY);
    endNested(hook);
    end(start);
  }

  /** Adds the set of the NIC that packets leave by; an element of it is the lease. */
  void addHeld(int sequence, Table table) {
    addSet(sequence, table, HELD, 1, TYPE_IFNAME, IFNAMSIZ, NFT_SET_TIMEOUT);
  }

  void addPods(int sequence, Table table) {
    boolean ipv6 = table.ipv6();
    addSet(sequence, table, PODS, 2, ipv6 ? TYPE_IP6ADDR : TYPE_IPADDR, ipv6 ? 16 : 4, 0);
  }

  private void addSet(
      int sequence, Table table, String name, int id, int keyType, int keyBytes, int flags) {
    int start = begin(NFT_MSG_NEWSET, NLM_F_ACK | NLM_F_CREATE, sequence, table.ipv6());
    text(NFTA_SET_TABLE, table.name());
    text(NFTA_SET_NAME, name);
    number(NFTA_SET_FLAGS, flags);
    number(NFTA_SET_KEY_TYPE, keyType);
    number(NFTA_SET_KEY_LEN, keyBytes);
    number(NFTA_SET_ID, id);
    int order = keyType == TYPE_IFNAME ? BYTEORDER_HOST_ENDIAN : BYTEORDER_BIG_ENDIAN;
    attribute(NFTA_SET_USERDATA, keyByteOrder(order));
    end(start);
  }

  /** The kernel only keeps it: without it the nft program shows names of NICs as empty. */
  private byte[] keyByteOrder(int order) {
    return ByteBuffer.allocate(6)
        .order(out.order())
        .put(NFTNL_UDATA_SET_KEYBYTEORDER)
        .put((byte) Integer.BYTES)
        .putInt(order)
        .array();
  }

  /** Ends the lease. */
  void release(int sequence, Table table) {
    int start = begin(NFT_MSG_DELSETELEM, NLM_F_ACK, sequence, table.ipv6());
    text(NFTA_SET_ELEM_LIST_TABLE, table.name());
    text(NFTA_SET_ELEM_LIST_SET, HELD);
    end(start);
  }

  /** Begins a lease, which must have ended. */
  void hold(int sequence, Table table, String nic, Duration lease) {
    int start = beginElements(sequence, table, HELD);
    int elements = nested(NFTA_SET_ELEM_LIST_ELEMENTS);
    int element = nested(NFTA_LIST_ELEM);
    attribute(
        NFTA_SET_ELEM_TIMEOUT, ByteBuffer.allocate(Long.BYTES).putLong(lease.toMillis()).array());
    value(NFTA_SET_ELEM_KEY, Arrays.copyOf(nic.getBytes(StandardCharsets.UTF_8), IFNAMSIZ));
    endNested(element);
    endNested(elements);
    end(start);
  }

  /** Adds pods; so many at once as fit, 1000 always do. */
  void addPods(int sequence, Table table, List<InetAddress> pods) {
    int start = beginElements(sequence, table, PODS);
    int elements = nested(NFTA_SET_ELEM_LIST_ELEMENTS);
    for (var pod : pods) {
      int element = nested(NFTA_LIST_ELEM);
      value(NFTA_SET_ELEM_KEY, pod.getAddress());
      endNested(element);
    }
    endNested(elements);
    end(start);
  }

  private int beginElements(int sequence, Table table, String set) {
    int start = begin(NFT_MSG_NEWSETELEM, NLM_F_ACK | NLM_F_CREATE, sequence, table.ipv6());
    text(NFTA_SET_ELEM_LIST_TABLE, table.name());
    text(NFTA_SET_ELEM_LIST_SET, set);
    return start;
  }

  /** {@code oifname != @held return}. */
  void passOtherNics(int sequence, Table table) {
    rule(
        sequence,
        table,
        () -> {
          int meta = expression("meta");
          number(NFTA_META_KEY, NFT_META_OIFNAME);
          number(NFTA_META_DREG, NFT_REG_1);
          endExpression(meta);
          lookup(HELD, NFT_LOOKUP_F_INV);
          doReturn();
        });
  }

  /** {@code fib saddr type local return}: adverts, and all else that is the node's own. */
  void passOwn(int sequence, Table table) {
    rule(
        sequence,
        table,
        () -> {
          int fib = expression("fib");
          number(NFTA_FIB_FLAGS, NFTA_FIB_F_SADDR);
          number(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
          number(NFTA_FIB_DREG, NFT_REG_1);
          endExpression(fib);
          // In the machine's order, as the kernel writes it to the register.
          compare(ByteBuffer.allocate(4).order(out.order()).putInt(RTN_LOCAL).array());
          doReturn();
        });
  }

  /** {@code ip daddr PREFIX return}. */
  void passTo(int sequence, Table table, IpPrefix destination) {
    rule(
        sequence,
        table,
        () -> {
          match(table.ipv6() ? DADDR6 : DADDR4, destination);
          doReturn();
        });
  }

  /** {@code ip saddr @pods snat to ADDRESS}. */
  void translatePods(int sequence, SourceNat nat) {
    var table = Table.of(nat);
    rule(
        sequence,
        table,
        () -> {
          load(table.ipv6() ? SADDR6 : SADDR4, table.ipv6() ? 16 : 4);
          lookup(PODS, 0);
          translate(nat);
        });
  }

  /** {@code ip saddr PREFIX snat to ADDRESS}. */
  void translate(int sequence, SourceNat nat, IpPrefix source) {
    var table = Table.of(nat);
    rule(
        sequence,
        table,
        () -> {
          match(table.ipv6() ? SADDR6 : SADDR4, source);
          translate(nat);
        });
  }

  private void rule(int sequence, Table table, Runnable expressions) {
    int flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND;
    int start = begin(NFT_MSG_NEWRULE, flags, sequence, table.ipv6());
    text(NFTA_RULE_TABLE, table.name());
    text(NFTA_RULE_CHAIN, CHAIN);
    int nested = nested(NFTA_RULE_EXPRESSIONS);
    expressions.run();
    endNested(nested);
    end(start);
  }

  /** Begins an expression; returns where, for {@link #endExpression}. */
  private int expression(String name) {
    int start = nested(NFTA_LIST_ELEM);
    text(NFTA_EXPR_NAME, name);
    dataAt = nested(NFTA_EXPR_DATA);
    return start;
  }

  private int dataAt;

  private void endExpression(int start) {
    endNested(dataAt);
    endNested(start);
  }

  private void load(int offset, int bytes) {
    int start = expression("payload");
    number(NFTA_PAYLOAD_DREG, NFT_REG_1);
    number(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
    number(NFTA_PAYLOAD_OFFSET, offset);
    number(NFTA_PAYLOAD_LEN, bytes);
    endExpression(start);
  }

  private void match(int offset, IpPrefix prefix) {
    var network = prefix.network().address().getAddress();
    load(offset, network.length);
    int start = expression("bitwise");
    number(NFTA_BITWISE_SREG, NFT_REG_1);
    number(NFTA_BITWISE_DREG, NFT_REG_1);
    number(NFTA_BITWISE_LEN, network.length);
    value(NFTA_BITWISE_MASK, mask(prefix.length(), network.length));
    value(NFTA_BITWISE_XOR, new byte[network.length]);
    endExpression(start);
    compare(network);
  }

  private static byte[] mask(int length, int bytes) {
    var mask = new byte[bytes];
    for (int bit = 0; bit < length; bit++) {
      mask[bit / 8] |= (byte) (0x80 >> bit % 8);
    }
    return mask;
  }

  private void compare(byte[] value) {
    int start = expression("cmp");
    number(NFTA_CMP_SREG, NFT_REG_1);
    number(NFTA_CMP_OP, NFT_CMP_EQ);
    value(NFTA_CMP_DATA, value);
    endExpression(start);
  }

  private void lookup(String set, int flags) {
    int start = expression("lookup");
    text(NFTA_LOOKUP_SET, set);
    number(NFTA_LOOKUP_SREG, NFT_REG_1);
    number(NFTA_LOOKUP_FLAGS, flags);
    endExpression(start);
  }

  private void doReturn() {
    int start = expression("immediate");
    number(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    int data = nested(NFTA_IMMEDIATE_DATA);
    int verdict = nested(NFTA_DATA_VERDICT);
    number(NFTA_VERDICT_CODE, NFT_RETURN);
    endNested(verdict);
    endNested(data);
    endExpression(start);
  }

  private void translate(SourceNat nat) {
    int immediate = expression("immediate");
    number(NFTA_IMMEDIATE_DREG, NFT_REG_1);
    value(NFTA_IMMEDIATE_DATA, nat.address().getAddress());
    endExpression(immediate);
    int start = expression("nat");
    number(NFTA_NAT_TYPE, NFT_NAT_SNAT);
    number(NFTA_NAT_FAMILY, nat.isIpv6() ? AF_INET6 : AF_INET);
    number(NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
    endExpression(start);
  }

  /** How many rules {@link Nft} puts for a source NAT. */
  static int rules(SourceNat nat) {
    return 3 + nat.except().size() + nat.sources().size();
  }

  private int nested(int type) {
    return beginNested(type | NLA_F_NESTED);
  }

  /** A number in network byte order. */
  private void number(int type, int value) {
    attribute(type, ByteBuffer.allocate(Integer.BYTES).putInt(value).array());
  }

  private void value(int type, byte[] value) {
    int nested = nested(type);
    attribute(NFTA_DATA_VALUE, value);
    endNested(nested);
  }

  private void text(int type, String text) {
    var bytes = text.getBytes(StandardCharsets.UTF_8);
    attribute(type, Arrays.copyOf(bytes, bytes.length + 1));
  }
}
