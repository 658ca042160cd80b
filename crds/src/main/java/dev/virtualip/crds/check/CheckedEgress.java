package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.EgressPods;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Whose packets leave the master with a virtual address as their source.
 *
 * @param pods by namespace and labels
 * @param sources prefixes of other sources
 * @param except prefixes of destinations to which the source stays
 * @param addresses the addresses to leave with, of each family one at most, and the NIC of each, or
 *     null for that of the adverts
 */
public record CheckedEgress(
    List<EgressPods> pods, List<IpPrefix> sources, List<IpPrefix> except, List<Address> addresses) {
  /** Copies the lists. */
  public CheckedEgress {
    pods = List.copyOf(pods);
    sources = List.copyOf(sources);
    except = List.copyOf(except);
    addresses = List.copyOf(addresses);
  }

  /** A virtual address and its NIC as the spec names it. */
  public record Address(InetAddress address, String interfaceName) {
    /** Whether it is of the IPv6 family. */
    public boolean isIpv6() {
      return CheckedVirtualServer.isIpv6(address);
    }
  }

  /** The value of a valid {@code spec.egress}, or null without one. */
  static CheckedEgress of(ParsedSpec parsed) {
    var texts = parsed.egress();
    return texts == null
        ? null
        : new CheckedEgress(
            parsed.spec().egress().pods(),
            texts.sources().stream().map(Parsed::value).toList(),
            texts.except().stream().map(Parsed::value).toList(),
            addresses(parsed));
  }

  /** Those that are listed, else the first of each family; without what is not valid. */
  static List<Address> addresses(ParsedSpec parsed) {
    var virtual = virtual(parsed);
    var listed = parsed.egress().addresses();
    if (!listed.isEmpty()) {
      return listed.stream().map(Parsed::value).map(virtual::get).filter(Objects::nonNull).toList();
    }
    var firsts = new LinkedHashMap<Boolean, Address>();
    virtual.values().forEach(address -> firsts.putIfAbsent(address.isIpv6(), address));
    return List.copyOf(firsts.values());
  }

  /** The virtual addresses that are valid, in their order. No router passes a link-local one. */
  static Map<InetAddress, Address> virtual(ParsedSpec parsed) {
    var virtual = new LinkedHashMap<InetAddress, Address>();
    IntStream.range(0, parsed.addresses().size())
        .filter(i -> parsed.addresses().get(i).value() != null)
        .forEach(
            i -> {
              var address = parsed.addresses().get(i).value().address();
              var nic = parsed.spec().addresses().get(i).interfaceName();
              if (!address.isLinkLocalAddress()) {
                virtual.putIfAbsent(address, new Address(address, nic));
              }
            });
    return virtual;
  }
}
