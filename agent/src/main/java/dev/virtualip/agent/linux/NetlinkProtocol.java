package dev.virtualip.agent.linux;

import dev.virtualip.agent.linux.NetlinkAttributes.Malformed;
import dev.virtualip.agent.linux.NetlinkMessage.Body;
import java.nio.ByteBuffer;

/** What a netlink socket is for, and how to read the messages that only it has. */
enum NetlinkProtocol {
  ROUTE(Rtnetlink.NETLINK_ROUTE, NetlinkMessage::rtnetlink),
  GENERIC(Genetlink.NETLINK_GENERIC, IpvsMessage::read),
  NETFILTER(NftTables.NETLINK_NETFILTER, NftMessage::read);

  private interface Reader {
    Body read(int type, int flags, ByteBuffer content) throws Malformed;
  }

  private final int number;
  private final Reader reader;

  NetlinkProtocol(int number, Reader reader) {
    this.number = number;
    this.reader = reader;
  }

  /** The protocol of socket(AF_NETLINK, SOCK_RAW, protocol). */
  int number() {
    return number;
  }

  /** A message that is neither an acknowledgement nor the end of a dump. */
  Body read(int type, int flags, ByteBuffer content) throws Malformed {
    return reader.read(type, flags, content);
  }
}
