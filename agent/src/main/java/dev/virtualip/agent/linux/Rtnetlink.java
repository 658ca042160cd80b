package dev.virtualip.agent.linux;

/**
 * Numbers of linux/netlink.h, linux/rtnetlink.h, linux/fib_rules.h, linux/if_addr.h,
 * linux/if_link.h and linux/ip.h.
 */
final class Rtnetlink {
  static final int AF_UNSPEC = 0;
  static final int AF_INET = 2;
  static final int AF_INET6 = 10;

  static final int NETLINK_ROUTE = 0;
  static final int SOL_NETLINK = 270;
  static final int NETLINK_CAP_ACK = 10;
  static final int NETLINK_EXT_ACK = 11;
  static final int NETLINK_GET_STRICT_CHK = 12;

  static final int RTMGRP_LINK = 1 << 0;
  static final int RTMGRP_IPV4_IFADDR = 1 << 4;
  static final int RTMGRP_IPV4_ROUTE = 1 << 6;
  static final int RTMGRP_IPV4_RULE = 1 << 7;
  static final int RTMGRP_IPV6_IFADDR = 1 << 8;
  static final int RTMGRP_IPV6_ROUTE = 1 << 10;
  static final int RTMGRP_IPV6_RULE = 1 << 18;

  static final int NLMSG_ERROR = 2;
  static final int NLMSG_DONE = 3;
  static final int RTM_NEWLINK = 16;
  static final int RTM_DELLINK = 17;
  static final int RTM_GETLINK = 18;
  static final int RTM_SETLINK = 19;
  static final int RTM_NEWADDR = 20;
  static final int RTM_DELADDR = 21;
  static final int RTM_GETADDR = 22;
  static final int RTM_NEWROUTE = 24;
  static final int RTM_DELROUTE = 25;
  static final int RTM_GETROUTE = 26;
  static final int RTM_NEWRULE = 32;
  static final int RTM_DELRULE = 33;
  static final int RTM_GETRULE = 34;

  static final int NLM_F_REQUEST = 0x1;
  static final int NLM_F_ACK = 0x4;
  static final int NLM_F_DUMP_INTR = 0x10;
  static final int NLM_F_REPLACE = 0x100;
  static final int NLM_F_EXCL = 0x200;
  static final int NLM_F_CREATE = 0x400;
  static final int NLM_F_APPEND = 0x800;
  static final int NLM_F_DUMP = 0x300;
  static final int NLM_F_CAPPED = 0x100;
  static final int NLM_F_ACK_TLVS = 0x200;

  static final int NLMSG_HEADER = 16;
  static final int IFINFOMSG = 16;
  static final int IFADDRMSG = 8;
  static final int RTMSG = 12;
  static final int FIB_RULE_HDR = 12;
  static final int ATTRIBUTE_HEADER = 4;
  static final int ATTRIBUTE_TYPE_MASK = 0x3FFF;
  static final int NLMSGERR_ATTR_MSG = 1;

  static final int IFF_UP = 0x1;
  static final int IFF_RUNNING = 0x40;
  static final int IFF_NOARP = 0x80;
  static final int IFLA_ADDRESS = 1;
  static final int IFLA_IFNAME = 3;
  static final int IFLA_MTU = 4;
  static final int IFLA_LINK = 5;
  static final int IFLA_MASTER = 10;
  static final int IFLA_LINKINFO = 18;
  static final int IFLA_AF_SPEC = 26;
  static final int IFLA_GROUP = 27;
  static final int IFLA_EXT_MASK = 29;
  static final int IFLA_LINK_NETNSID = 37;
  static final int IFLA_PROP_LIST = 52;
  static final int IFLA_ALT_IFNAME = 53;
  static final int IFLA_INFO_KIND = 1;
  static final int IFLA_INFO_DATA = 2;
  static final int IFLA_MACVLAN_MODE = 1;
  static final int MACVLAN_MODE_BRIDGE = 4;
  static final int IFLA_INET_CONF = 1;
  static final int IFLA_INET6_ADDR_GEN_MODE = 8;
  static final int IN6_ADDR_GEN_MODE_NONE = 1;
  static final int IPV4_DEVCONF_RP_FILTER = 8;
  static final int IPV4_DEVCONF_ARP_ANNOUNCE = 18;
  static final int IPV4_DEVCONF_ARP_IGNORE = 19;
  static final int IPV4_DEVCONF_PROMOTE_SECONDARIES = 20;
  static final int RTEXT_FILTER_SKIP_STATS = 1 << 3;

  static final int IFA_ADDRESS = 1;
  static final int IFA_LOCAL = 2;
  static final int IFA_CACHEINFO = 6;
  static final int IFA_FLAGS = 8;
  static final int IFA_RT_PRIORITY = 9;
  static final int IFA_PROTO = 11;
  static final int IFA_F_NODAD = 0x02;
  static final int IFA_F_DADFAILED = 0x08;
  static final int IFA_F_TENTATIVE = 0x40;
  static final int IFA_CACHEINFO_BYTES = 16;
  static final long INFINITY_LIFE_TIME = 0xFFFF_FFFFL;

  static final int RTA_DST = 1;
  static final int RTA_OIF = 4;
  static final int RTA_GATEWAY = 5;
  static final int RTA_PRIORITY = 6;
  static final int RTA_PREFSRC = 7;
  static final int RTA_TABLE = 15;
  static final int RTA_EXPIRES = 23;
  static final int RTN_BLACKHOLE = 6;
  static final int RTN_UNICAST = 1;
  static final int RTNH_F_ONLINK = 4;
  static final int RT_SCOPE_UNIVERSE = 0;
  static final int RT_SCOPE_LINK = 253;
  static final int RT_SCOPE_NOWHERE = 255;
  static final int RT_TABLE_UNSPEC = 0;
  static final int RT_TABLE_MAIN = 254;
  static final int RTPROT_BOOT = 3;
  static final int RTPROT_STATIC = 4;
  static final int RTPROT_DHCP = 16;

  static final int FR_ACT_TO_TBL = 1;
  static final int FRA_DST = 1;
  static final int FRA_SRC = 2;
  static final int FRA_IIFNAME = 3;
  static final int FRA_PRIORITY = 6;
  static final int FRA_FWMARK = 10;
  static final int FRA_FLOW = 11;
  static final int FRA_TUN_ID = 12;
  static final int FRA_SUPPRESS_IFGROUP = 13;
  static final int FRA_SUPPRESS_PREFIXLEN = 14;
  static final int FRA_TABLE = 15;
  static final int FRA_FWMASK = 16;
  static final int FRA_OIFNAME = 17;
  static final int FRA_L3MDEV = 19;
  static final int FRA_UID_RANGE = 20;
  static final int FRA_PROTOCOL = 21;
  static final int FRA_IP_PROTO = 22;
  static final int FRA_SPORT_RANGE = 23;
  static final int FRA_DPORT_RANGE = 24;
  static final int FRA_DSCP = 25;
  static final int FRA_FLOWLABEL = 26;

  private Rtnetlink() {}

  /** The next multiple of 4, to which messages and attributes are padded. */
  static int align(int length) {
    return length + 3 & ~3;
  }
}
