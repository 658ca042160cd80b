package dev.virtualip.agent.linux;

import static dev.virtualip.agent.linux.NetlinkAttributes.*;
import static dev.virtualip.agent.linux.Rtnetlink.*;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.Link;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A message from the kernel.
 *
 * @param sequence number of the request that it answers; 0 for a notification
 * @param interrupted whether its dump is inconsistent, because something changed meanwhile
 *     (NLM_F_DUMP_INTR)
 * @param body its content
 */
record NetlinkMessage(int sequence, boolean interrupted, Body body) {

  sealed interface Body
      permits Body.LinkState,
          Body.AddressState,
          Body.RouteState,
          Body.RuleState,
          IpvsMessage,
          NftMessage,
          Body.Acknowledged,
          Body.Done,
          Body.Skipped,
          Body.Rejected {
    /** RTM_NEWLINK or RTM_DELLINK. */
    record LinkState(boolean removed, Link link) implements Body {}

    /** RTM_NEWADDR or RTM_DELADDR. */
    record AddressState(boolean removed, BoundAddress address) implements Body {}

    /**
     * RTM_NEWROUTE or RTM_DELROUTE of a unicast route.
     *
     * @param replaces whether it has replaced a route with the same destination, table and metric
     * @param protocol the program that installed it (rtm_protocol)
     */
    record RouteState(boolean removed, boolean replaces, int protocol, InstalledRoute route)
        implements Body {}

    /**
     * RTM_NEWRULE or RTM_DELRULE of a rule that only routes by source and destination.
     *
     * @param protocol the program that added it (FRA_PROTOCOL), 0 if unset
     */
    record RuleState(boolean removed, int protocol, PolicyRule rule) implements Body {}

    /**
     * NLMSG_ERROR.
     *
     * @param errno 0 = success
     * @param text the kernel's explanation, empty if it gave none
     */
    record Acknowledged(int errno, String text) implements Body {}

    /** NLMSG_DONE, the end of a dump; errno 0 = complete. */
    record Done(int errno) implements Body {}

    /** A message of a type or family that the agent ignores. */
    record Skipped() implements Body {}

    /** A malformed message. */
    record Rejected(String reason) implements Body {}
  }

  /**
   * Attributes by which a rule matches more than source and destination, or does more than route.
   */
  private static final Set<Integer> RULE_EXTRAS =
      Set.of(
          FRA_IIFNAME,
          FRA_OIFNAME,
          FRA_FWMARK,
          FRA_FWMASK,
          FRA_FLOW,
          FRA_TUN_ID,
          FRA_SUPPRESS_IFGROUP,
          FRA_L3MDEV,
          FRA_UID_RANGE,
          FRA_IP_PROTO,
          FRA_SPORT_RANGE,
          FRA_DPORT_RANGE,
          FRA_DSCP,
          FRA_FLOWLABEL);

  /** The kernel's value for a rule that suppresses nothing. */
  private static final long NO_SUPPRESSION = 0xFFFF_FFFFL;

  /**
   * All messages of a datagram. If a length is invalid, the last one is {@link Body.Rejected}.
   *
   * @param in the datagram, in native byte order
   */
  static List<NetlinkMessage> parse(ByteBuffer in, NetlinkProtocol protocol) {
    var messages = new ArrayList<NetlinkMessage>();
    while (in.remaining() >= NLMSG_HEADER) {
      int start = in.position();
      int length = in.getInt(start);
      if (length < NLMSG_HEADER || length > in.remaining()) {
        var reason = "message of " + length + " bytes in " + in.remaining();
        messages.add(new NetlinkMessage(0, false, new Body.Rejected(reason)));
        return messages;
      }
      int type = Short.toUnsignedInt(in.getShort(start + 4));
      int flags = Short.toUnsignedInt(in.getShort(start + 6));
      int sequence = in.getInt(start + 8);
      var content = in.slice(start + NLMSG_HEADER, length - NLMSG_HEADER).order(in.order());
      var body = body(protocol, type, flags, content);
      messages.add(new NetlinkMessage(sequence, (flags & NLM_F_DUMP_INTR) != 0, body));
      in.position(start + Math.min(align(length), in.remaining()));
    }
    return messages;
  }

  private static Body body(NetlinkProtocol protocol, int type, int flags, ByteBuffer content) {
    try {
      return switch (type) {
        case NLMSG_ERROR -> acknowledged(flags, content);
        case NLMSG_DONE -> new Body.Done(errno(content));
        default -> protocol.read(type, flags, content);
      };
    } catch (Malformed e) {
      return new Body.Rejected("message of type " + type + ": " + e.getMessage());
    }
  }

  /** A message of rtnetlink. */
  static Body rtnetlink(int type, int flags, ByteBuffer content) throws Malformed {
    return switch (type) {
      case RTM_NEWLINK, RTM_DELLINK -> link(type == RTM_DELLINK, content);
      case RTM_NEWADDR, RTM_DELADDR -> address(type == RTM_DELADDR, content);
      case RTM_NEWROUTE, RTM_DELROUTE -> route(type == RTM_DELROUTE, flags, content);
      case RTM_NEWRULE, RTM_DELRULE -> rule(type == RTM_DELRULE, content);
      default -> new Body.Skipped();
    };
  }

  /**
   * Skips links of family AF_BRIDGE: a bridge reports its ports as such, "deleted" when they leave
   * it.
   */
  private static Body link(boolean removed, ByteBuffer in) throws Malformed {
    need(in, IFINFOMSG);
    if (in.get(0) != AF_UNSPEC) {
      return new Body.Skipped();
    }
    int index = in.getInt(4);
    int flags = in.getInt(8);
    var attributes = attributes(in, IFINFOMSG);
    var name = attributes.get(IFLA_IFNAME);
    if (index <= 0 || name == null) {
      throw new Malformed("a link without index or name");
    }
    var link =
        new Link(
            index,
            text(name),
            (flags & IFF_UP) != 0 && (flags & IFF_RUNNING) != 0,
            hardwareAddress(flags, attributes.get(IFLA_ADDRESS)),
            (int) Math.min(number(attributes, IFLA_MTU, 0), Integer.MAX_VALUE),
            altNames(attributes.get(IFLA_PROP_LIST)),
            (int) number(attributes, IFLA_MASTER, 0),
            virtual(flags, attributes));
    return new Body.LinkState(removed, link);
  }

  /** A macvlan with the mark of an agent is a virtual MAC's. */
  private static Link.Virtual virtual(int flags, Map<Integer, ByteBuffer> attributes)
      throws Malformed {
    int mark = (int) number(attributes, IFLA_GROUP, 0);
    if (!AddressPort.isVirtual(mark)
        || !attributes.containsKey(IFLA_LINKINFO)
        || !attributes.containsKey(IFLA_LINK)
        || attributes.containsKey(IFLA_LINK_NETNSID)) {
      return null;
    }
    var kind = nested(attributes, IFLA_LINKINFO).get(IFLA_INFO_KIND);
    return kind != null && text(kind).equals("macvlan")
        ? new Link.Virtual((int) number(attributes, IFLA_LINK), mark, (flags & IFF_UP) != 0)
        : null;
  }

  /** Kernels before 5.5 know none. */
  private static List<String> altNames(ByteBuffer properties) throws Malformed {
    var names = new ArrayList<String>();
    if (properties != null) {
      eachAttribute(
          properties,
          0,
          (type, value) -> {
            if (type == IFLA_ALT_IFNAME) {
              names.add(text(value));
            }
          });
    }
    return names;
  }

  /** Of a tunnel through IP the kernel tells the IP address of our end as its hardware address. */
  private static Link.HardwareAddress hardwareAddress(int flags, ByteBuffer address) {
    var bytes = address == null ? new byte[0] : bytes(address);
    var mac = new Link.HardwareAddress(bytes);
    boolean tunnel = (flags & IFF_NOARP) != 0 && !mac.isEthernet();
    return tunnel ? new Link.HardwareAddress(new byte[0]) : mac;
  }

  private static Body address(boolean removed, ByteBuffer in) throws Malformed {
    need(in, IFADDRMSG);
    int family = in.get(0);
    if (family != AF_INET && family != AF_INET6) {
      return new Body.Skipped();
    }
    var attributes = attributes(in, IFADDRMSG);
    // On a point-to-point link IFA_ADDRESS is the peer's; IPv6 has no IFA_LOCAL elsewhere.
    var local = attributes.getOrDefault(IFA_LOCAL, attributes.get(IFA_ADDRESS));
    if (local == null) {
      throw new Malformed("an address message without address");
    }
    var prefix = prefix(family, local, in.get(1));
    var protocol = attributes.get(IFA_PROTO);
    if (protocol != null) {
      need(protocol, 1);
    }
    long flags = number(attributes, IFA_FLAGS, Byte.toUnsignedInt(in.get(2)));
    return new Body.AddressState(
        removed,
        new BoundAddress(
            in.getInt(4),
            prefix,
            lease(attributes.get(IFA_CACHEINFO)),
            protocol == null ? 0 : Byte.toUnsignedInt(protocol.get(0)),
            (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0));
  }

  /**
   * Seconds left, at least 1: an address about to expire has 0 seconds left, and 0 means for ever
   * here.
   */
  private static long lease(ByteBuffer cacheInfo) throws Malformed {
    if (cacheInfo == null) {
      return 0;
    }
    need(cacheInfo, IFA_CACHEINFO_BYTES);
    long valid = Integer.toUnsignedLong(cacheInfo.getInt(4));
    return valid == INFINITY_LIFE_TIME ? 0 : Math.max(valid, 1);
  }

  private static Body route(boolean removed, int flags, ByteBuffer in) throws Malformed {
    need(in, RTMSG);
    int family = in.get(0);
    boolean representable = in.get(2) == 0 && in.get(3) == 0 && in.get(7) == RTN_UNICAST;
    if (family != AF_INET && family != AF_INET6 || !representable) {
      return new Body.Skipped();
    }
    var attributes = attributes(in, RTMSG);
    var to = attributes.get(RTA_DST);
    var any = ByteBuffer.allocate(family == AF_INET ? 4 : 16);
    var route =
        new InstalledRoute(
            (int) number(attributes, RTA_OIF, 0),
            prefix(family, to == null ? any : to, in.get(1)),
            optionalAddress(family, attributes.get(RTA_GATEWAY)),
            optionalAddress(family, attributes.get(RTA_PREFSRC)),
            number(attributes, RTA_TABLE, Byte.toUnsignedInt(in.get(4))),
            number(attributes, RTA_PRIORITY, 0),
            (in.getInt(8) & RTNH_F_ONLINK) != 0);
    boolean replaces = !removed && (flags & NLM_F_REPLACE) != 0;
    return new Body.RouteState(removed, replaces, Byte.toUnsignedInt(in.get(5)), route);
  }

  private static Body rule(boolean removed, ByteBuffer in) throws Malformed {
    need(in, FIB_RULE_HDR);
    int family = in.get(0);
    boolean representable = in.get(3) == 0 && in.get(7) == FR_ACT_TO_TBL && in.getInt(8) == 0;
    if (family != AF_INET && family != AF_INET6 || !representable) {
      return new Body.Skipped();
    }
    var attributes = attributes(in, FIB_RULE_HDR);
    var to = attributes.get(FRA_DST);
    var from = attributes.get(FRA_SRC);
    if (to == null && from == null
        || attributes.keySet().stream().anyMatch(RULE_EXTRAS::contains)
        || number(attributes, FRA_SUPPRESS_PREFIXLEN, NO_SUPPRESSION) != NO_SUPPRESSION) {
      return new Body.Skipped();
    }
    var protocol = attributes.get(FRA_PROTOCOL);
    if (protocol != null) {
      need(protocol, 1);
    }
    var rule =
        new PolicyRule(
            from == null ? null : prefix(family, from, in.get(2)),
            to == null ? null : prefix(family, to, in.get(1)),
            number(attributes, FRA_TABLE, Byte.toUnsignedInt(in.get(4))),
            number(attributes, FRA_PRIORITY, 0));
    int addedBy = protocol == null ? 0 : Byte.toUnsignedInt(protocol.get(0));
    return new Body.RuleState(removed, addedBy, rule);
  }

  /**
   * The request's header follows the error number, and unless NLM_F_CAPPED is set also its content.
   */
  private static Body acknowledged(int flags, ByteBuffer in) throws Malformed {
    need(in, 4 + NLMSG_HEADER);
    int errno = errno(in);
    if ((flags & NLM_F_ACK_TLVS) == 0) {
      return new Body.Acknowledged(errno, "");
    }
    long requested = Integer.toUnsignedLong(in.getInt(4));
    long echoed = (flags & NLM_F_CAPPED) != 0 ? NLMSG_HEADER : requested;
    if (echoed < NLMSG_HEADER || echoed > in.remaining() - 4) {
      throw new Malformed("an echoed request of " + echoed + " bytes");
    }
    var explanation = attributes(in, 4 + align((int) echoed)).get(NLMSGERR_ATTR_MSG);
    return new Body.Acknowledged(errno, explanation == null ? "" : text(explanation));
  }

  private static int errno(ByteBuffer in) throws Malformed {
    need(in, 4);
    int negative = in.getInt(0);
    if (negative > 0 || negative == Integer.MIN_VALUE) {
      throw new Malformed("error number " + negative);
    }
    return -negative;
  }

  private static IpPrefix prefix(int family, ByteBuffer address, byte length) throws Malformed {
    int bits = Byte.toUnsignedInt(length);
    if (bits > (family == AF_INET ? 32 : 128)) {
      throw new Malformed("prefix of " + bits + " bits");
    }
    return new IpPrefix(inetAddress(family, address), bits);
  }

  private static InetAddress optionalAddress(int family, ByteBuffer address) throws Malformed {
    return address == null ? null : inetAddress(family, address);
  }
}
