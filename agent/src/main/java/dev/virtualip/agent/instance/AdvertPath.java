package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.plan.InstanceConfig;
import java.net.InetAddress;
import java.util.Set;

/**
 * A NIC that carries the adverts of one virtual router.
 *
 * @param number 0 for the NIC of the adverts, from 1 on for further ones, in the order of the spec
 * @param unicast whether adverts go to each peer instead of to the group
 * @param members unicast: addresses of the routers on its network, possibly with this node's own
 * @param minTtl lowest TTL or hop limit of others' adverts
 */
record AdvertPath(int number, Link link, boolean unicast, Set<InetAddress> members, int minTtl) {
  private static final int TTL_SECURITY = 255;

  static AdvertPath first(InstanceConfig config, Link link) {
    return new AdvertPath(0, link, config.unicast(), config.members(), config.minTtl());
  }

  /** A further path; its peers are on its own network, so that no router is in between. */
  static AdvertPath further(int number, Link link, InstanceConfig.Heartbeat heartbeat) {
    var peers = heartbeat.peers();
    return new AdvertPath(number, link, !peers.isEmpty(), peers, TTL_SECURITY);
  }

  boolean isFirst() {
    return number == 0;
  }

  /** The field that lists its peers. */
  String peersField() {
    return isFirst() ? "spec.transport.peers" : "the peers of this heartbeat";
  }
}
