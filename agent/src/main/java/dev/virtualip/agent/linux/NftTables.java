package dev.virtualip.agent.linux;

/**
 * Numbers of linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h and linux/netfilter.h.
 * Numbers in attributes are in network byte order.
 */
final class NftTables {
  static final int NETLINK_NETFILTER = 12;
  static final int NFGENMSG = 4;
  static final int NFNL_SUBSYS_NFTABLES = 10;
  static final int NFNL_MSG_BATCH_BEGIN = 0x10;
  static final int NFNL_MSG_BATCH_END = 0x11;

  static final int NFT_MSG_NEWTABLE = 0;
  static final int NFT_MSG_GETTABLE = 1;
  static final int NFT_MSG_DELTABLE = 2;
  static final int NFT_MSG_NEWCHAIN = 3;
  static final int NFT_MSG_NEWRULE = 6;
  static final int NFT_MSG_GETRULE = 7;
  static final int NFT_MSG_NEWSET = 9;
  static final int NFT_MSG_NEWSETELEM = 12;
  static final int NFT_MSG_DELSETELEM = 14;

  static final int NLA_F_NESTED = 0x8000;

  static final int NFTA_TABLE_NAME = 1;

  static final int NFTA_CHAIN_TABLE = 1;
  static final int NFTA_CHAIN_NAME = 3;
  static final int NFTA_CHAIN_HOOK = 4;
  static final int NFTA_CHAIN_TYPE = 7;
  static final int NFTA_HOOK_HOOKNUM = 1;
  static final int NFTA_HOOK_PRIORITY = 2;
  static final int NF_INET_POST_ROUTING = 4;
  static final int NF_IP_PRI_NAT_SRC = 100;

  static final int NFTA_SET_TABLE = 1;
  static final int NFTA_SET_NAME = 2;
  static final int NFTA_SET_FLAGS = 3;
  static final int NFTA_SET_KEY_TYPE = 4;
  static final int NFTA_SET_KEY_LEN = 5;
  static final int NFTA_SET_ID = 10;
  static final int NFTA_SET_USERDATA = 13;
  static final int NFT_SET_TIMEOUT = 0x10;

  /** Part of the user data of a set, for the nft program: the byte order of its keys. */
  static final byte NFTNL_UDATA_SET_KEYBYTEORDER = 0;

  static final int BYTEORDER_HOST_ENDIAN = 1;
  static final int BYTEORDER_BIG_ENDIAN = 2;

  /** Types of keys by which the nft program shows them. */
  static final int TYPE_IPADDR = 7;

  static final int TYPE_IP6ADDR = 8;
  static final int TYPE_IFNAME = 41;
  static final int IFNAMSIZ = 16;

  static final int NFTA_SET_ELEM_LIST_TABLE = 1;
  static final int NFTA_SET_ELEM_LIST_SET = 2;
  static final int NFTA_SET_ELEM_LIST_ELEMENTS = 3;
  static final int NFTA_LIST_ELEM = 1;
  static final int NFTA_SET_ELEM_KEY = 1;
  static final int NFTA_SET_ELEM_TIMEOUT = 4;

  static final int NFTA_RULE_TABLE = 1;
  static final int NFTA_RULE_CHAIN = 2;
  static final int NFTA_RULE_EXPRESSIONS = 4;
  static final int NFTA_EXPR_NAME = 1;
  static final int NFTA_EXPR_DATA = 2;

  static final int NFTA_DATA_VALUE = 1;
  static final int NFTA_DATA_VERDICT = 2;
  static final int NFTA_VERDICT_CODE = 1;
  static final int NFT_RETURN = -5;
  static final int NFT_REG_VERDICT = 0;
  static final int NFT_REG_1 = 1;

  static final int NFTA_META_DREG = 1;
  static final int NFTA_META_KEY = 2;
  static final int NFT_META_OIFNAME = 7;

  static final int NFTA_LOOKUP_SET = 1;
  static final int NFTA_LOOKUP_SREG = 2;
  static final int NFTA_LOOKUP_FLAGS = 5;
  static final int NFT_LOOKUP_F_INV = 1;

  static final int NFTA_FIB_DREG = 1;
  static final int NFTA_FIB_RESULT = 2;
  static final int NFTA_FIB_FLAGS = 3;
  static final int NFT_FIB_RESULT_ADDRTYPE = 3;
  static final int NFTA_FIB_F_SADDR = 1;
  static final int RTN_LOCAL = 2;

  static final int NFTA_CMP_SREG = 1;
  static final int NFTA_CMP_OP = 2;
  static final int NFTA_CMP_DATA = 3;
  static final int NFT_CMP_EQ = 0;

  static final int NFTA_PAYLOAD_DREG = 1;
  static final int NFTA_PAYLOAD_BASE = 2;
  static final int NFTA_PAYLOAD_OFFSET = 3;
  static final int NFTA_PAYLOAD_LEN = 4;
  static final int NFT_PAYLOAD_NETWORK_HEADER = 1;

  static final int NFTA_BITWISE_SREG = 1;
  static final int NFTA_BITWISE_DREG = 2;
  static final int NFTA_BITWISE_LEN = 3;
  static final int NFTA_BITWISE_MASK = 4;
  static final int NFTA_BITWISE_XOR = 5;

  static final int NFTA_IMMEDIATE_DREG = 1;
  static final int NFTA_IMMEDIATE_DATA = 2;

  static final int NFTA_NAT_TYPE = 1;
  static final int NFTA_NAT_FAMILY = 2;
  static final int NFTA_NAT_REG_ADDR_MIN = 3;
  static final int NFT_NAT_SNAT = 0;

  private NftTables() {}

  /** The type of a message of nf_tables. */
  static int type(int message) {
    return NFNL_SUBSYS_NFTABLES << 8 | message;
  }
}
