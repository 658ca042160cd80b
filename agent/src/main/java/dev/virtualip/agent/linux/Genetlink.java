package dev.virtualip.agent.linux;

/** Numbers of linux/genetlink.h and linux/ip_vs.h. */
final class Genetlink {
  static final int NETLINK_GENERIC = 16;
  static final int GENL_HDRLEN = 4;

  static final int GENL_ID_CTRL = 16;
  static final int CTRL_CMD_NEWFAMILY = 1;
  static final int CTRL_CMD_GETFAMILY = 3;
  static final int CTRL_ATTR_FAMILY_ID = 1;
  static final int CTRL_ATTR_FAMILY_NAME = 2;
  static final int CTRL_VERSION = 1;

  static final String IPVS_GENL_NAME = "IPVS";
  static final int IPVS_GENL_VERSION = 1;

  static final int IPVS_CMD_NEW_SERVICE = 1;
  static final int IPVS_CMD_SET_SERVICE = 2;
  static final int IPVS_CMD_DEL_SERVICE = 3;
  static final int IPVS_CMD_GET_SERVICE = 4;
  static final int IPVS_CMD_NEW_DEST = 5;
  static final int IPVS_CMD_SET_DEST = 6;
  static final int IPVS_CMD_DEL_DEST = 7;
  static final int IPVS_CMD_GET_DEST = 8;
  static final int IPVS_CMD_NEW_DAEMON = 9;
  static final int IPVS_CMD_DEL_DAEMON = 10;
  static final int IPVS_CMD_GET_DAEMON = 11;
  static final int IPVS_CMD_SET_CONFIG = 12;
  static final int IPVS_CMD_GET_CONFIG = 13;

  static final int IPVS_CMD_ATTR_SERVICE = 1;
  static final int IPVS_CMD_ATTR_DEST = 2;
  static final int IPVS_CMD_ATTR_DAEMON = 3;
  static final int IPVS_CMD_ATTR_TIMEOUT_TCP = 4;
  static final int IPVS_CMD_ATTR_TIMEOUT_TCP_FIN = 5;
  static final int IPVS_CMD_ATTR_TIMEOUT_UDP = 6;

  static final int IPVS_SVC_ATTR_AF = 1;
  static final int IPVS_SVC_ATTR_PROTOCOL = 2;
  static final int IPVS_SVC_ATTR_ADDR = 3;
  static final int IPVS_SVC_ATTR_PORT = 4;
  static final int IPVS_SVC_ATTR_FWMARK = 5;
  static final int IPVS_SVC_ATTR_SCHED_NAME = 6;
  static final int IPVS_SVC_ATTR_FLAGS = 7;
  static final int IPVS_SVC_ATTR_TIMEOUT = 8;
  static final int IPVS_SVC_ATTR_NETMASK = 9;
  static final int IPVS_SVC_ATTR_STATS64 = 12;
  static final int IP_VS_SVC_F_PERSISTENT = 0x1;
  static final int IP_VS_SVC_F_ONEPACKET = 0x4;
  static final int IP_VS_SVC_F_SCHED1 = 0x8;
  static final int IP_VS_SVC_F_SCHED2 = 0x10;
  static final int IP_VS_SVC_F_SCHED3 = 0x20;

  /** Bytes of the longest name of a scheduler, without its terminating zero. */
  static final int IP_VS_SCHEDNAME_MAX = 15;

  static final int IPVS_DEST_ATTR_ADDR = 1;
  static final int IPVS_DEST_ATTR_PORT = 2;
  static final int IPVS_DEST_ATTR_FWD_METHOD = 3;
  static final int IPVS_DEST_ATTR_WEIGHT = 4;
  static final int IPVS_DEST_ATTR_U_THRESH = 5;
  static final int IPVS_DEST_ATTR_L_THRESH = 6;
  static final int IPVS_DEST_ATTR_ACTIVE_CONNS = 7;
  static final int IPVS_DEST_ATTR_INACT_CONNS = 8;
  static final int IPVS_DEST_ATTR_PERSIST_CONNS = 9;
  static final int IPVS_DEST_ATTR_ADDR_FAMILY = 11;
  static final int IPVS_DEST_ATTR_STATS64 = 12;
  static final int IPVS_DEST_ATTR_TUN_TYPE = 13;
  static final int IPVS_DEST_ATTR_TUN_PORT = 14;
  static final int IPVS_DEST_ATTR_TUN_FLAGS = 15;
  static final int IP_VS_CONN_F_MASQ = 0;
  static final int IP_VS_CONN_F_TUNNEL = 2;
  static final int IP_VS_CONN_F_DROUTE = 3;
  static final int IP_VS_CONN_F_TUNNEL_TYPE_IPIP = 0;
  static final int IP_VS_CONN_F_TUNNEL_TYPE_GUE = 1;
  static final int IP_VS_CONN_F_TUNNEL_TYPE_GRE = 2;
  static final int IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM = 0;
  static final int IP_VS_TUNNEL_ENCAP_FLAG_CSUM = 0x1;
  static final int IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM = 0x2;

  static final int IPVS_DAEMON_ATTR_STATE = 1;
  static final int IPVS_DAEMON_ATTR_MCAST_IFN = 2;
  static final int IPVS_DAEMON_ATTR_SYNC_ID = 3;
  static final int IP_VS_STATE_MASTER = 1;
  static final int IP_VS_STATE_BACKUP = 2;

  static final int IPVS_STATS_ATTR_CONNS = 1;
  static final int IPVS_STATS_ATTR_INPKTS = 2;
  static final int IPVS_STATS_ATTR_OUTPKTS = 3;
  static final int IPVS_STATS_ATTR_INBYTES = 4;
  static final int IPVS_STATS_ATTR_OUTBYTES = 5;

  static final int IPPROTO_TCP = 6;
  static final int IPPROTO_UDP = 17;
  static final int IPPROTO_SCTP = 132;

  private Genetlink() {}
}
