package dev.virtualip.agent.linux;

import static dev.virtualip.agent.linux.NetlinkAttributes.*;
import static dev.virtualip.agent.linux.NftTables.*;
import static dev.virtualip.agent.linux.Rtnetlink.*;

import dev.virtualip.agent.net.NatPort.Table;
import java.nio.ByteBuffer;

/** A message of nf_tables. */
sealed interface NftMessage extends NetlinkMessage.Body {
  /** NFT_MSG_NEWTABLE of the families ip and ip6; of any program. */
  record TableState(Table table) implements NftMessage {}

  /** NFT_MSG_NEWRULE; only whose table it is in. */
  record RuleState(Table table) implements NftMessage {}

  /** Reads a message. */
  static NetlinkMessage.Body read(int type, int flags, ByteBuffer in) throws Malformed {
    need(in, NFGENMSG);
    int family = in.get(0);
    boolean known = family == AF_INET || family == AF_INET6;
    if (known && type == type(NFT_MSG_NEWTABLE)) {
      return new TableState(table(family, in, NFTA_TABLE_NAME));
    }
    if (known && type == type(NFT_MSG_NEWRULE)) {
      return new RuleState(table(family, in, NFTA_RULE_TABLE));
    }
    return new NetlinkMessage.Body.Skipped();
  }

  private static Table table(int family, ByteBuffer in, int attribute) throws Malformed {
    return new Table(family == AF_INET6, text(present(attributes(in, NFGENMSG), attribute)));
  }
}
