package dev.virtualip.agent.net;

import dev.virtualip.crds.values.IpPrefix;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;

/**
 * Packets that leave by a NIC with a virtual address as their source. All addresses are of one
 * family.
 *
 * @param virtualIp name of the VirtualIP
 * @param interfaceName the NIC: its name, or in a configuration what the spec says in its place
 * @param address the source that the packets get
 * @param except destinations to which the source stays
 * @param sources prefixes of sources that are replaced
 * @param pods addresses that are replaced too
 */
public record SourceNat(
    String virtualIp,
    String interfaceName,
    InetAddress address,
    List<IpPrefix> except,
    List<IpPrefix> sources,
    Set<InetAddress> pods) {
  /** Copies the collections. */
  public SourceNat {
    except = List.copyOf(except);
    sources = List.copyOf(sources);
    pods = Set.copyOf(pods);
  }

  /** Whether it is about IPv6 packets. */
  public boolean isIpv6() {
    return address instanceof Inet6Address;
  }

  /** The same on a NIC with this name. */
  public SourceNat on(String nic) {
    return new SourceNat(virtualIp, nic, address, except, sources, pods);
  }
}
