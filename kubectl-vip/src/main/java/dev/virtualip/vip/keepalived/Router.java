package dev.virtualip.vip.keepalived;

import java.util.List;

/**
 * A virtual router of one host, on its way to a VirtualIP.
 *
 * @param name that of the vrrp_instance
 * @param instance its block
 * @param spec the spec as far as it is known
 * @param password the directive with the password, or null
 * @param signed the keys of signed adverts, or null
 * @param source the directive with its own address in unicast, or null
 * @param peers the directives with the other routers' addresses
 */
record Router(
    String name,
    Directive instance,
    Fields spec,
    Directive password,
    SignedAdverts signed,
    Directive source,
    List<Directive> peers) {

  boolean isIpv6() {
    return isIpv6(spec);
  }

  static boolean isIpv6(Fields spec) {
    return spec.get("addresses") != null
        && spec.get("addresses").items().stream()
            .map(one -> (Fields) one.content())
            .filter(address -> address.get("advertised") == null)
            .findFirst()
            .map(address -> address.text("address").contains(":"))
            .orElse(false);
  }

  /** Whether one of its addresses, without prefix length, is this one. */
  boolean hasAddress(String address) {
    return spec.get("addresses") != null
        && spec.get("addresses").items().stream()
            .map(one -> ((Fields) one.content()).text("address"))
            .anyMatch(prefix -> prefix.substring(0, prefix.indexOf('/')).equals(address));
  }
}
