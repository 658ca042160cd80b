package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.Objects;

/** Rules about {@code spec.routes}. */
final class RouteRules {
  private RouteRules() {}

  static void check(ParsedSpec parsed, Findings findings) {
    var routes = parsed.spec().routes();
    if (routes.size() > VirtualIpSpec.ROUTES_MAX) {
      findings.add("spec.routes", "has more than 255 routes: use a second VirtualIP");
    }
    for (int i = 0; i < routes.size(); i++) {
      var path = "spec.routes[" + i + "]";
      var route = routes.get(i);
      if (route == null || route.to() == null) {
        findings.add(path + ".to", "is missing: write default, or a prefix as in 10.0.0.0/8");
      } else {
        findings.nic(path + ".interface", route.interfaceName());
        checkWay(path, parsed.routes().get(i), findings);
        checkGateway(path + ".via", parsed, i, findings);
        findings.range(path + ".table", route.table(), 1, 0xFFFF_FFFFL, "routing table");
        findings.range(path + ".metric", route.metric(), 0, 0xFFFF_FFFFL, "metric");
      }
    }
  }

  private static void checkWay(String path, ParsedSpec.RouteTexts route, Findings findings) {
    var to = findings.value(path + ".to", route.to());
    if (to != null && !to.isNetwork()) {
      findings.add(path + ".to", "has bits set behind the prefix: write " + to.network());
    }
    if (route.isDefault() && route.via().text() == null) {
      findings.add(path + ".via", "is missing: a default route needs its gateway");
    }
    checkAddress(path + ".via", route.via(), route.isIpv6(), "a router", findings);
    checkAddress(path + ".source", route.source(), route.isIpv6(), "the node", findings);
  }

  private static void checkAddress(
      String path, Parsed<InetAddress> parsed, boolean ipv6, String whose, Findings findings) {
    var address = findings.value(path, parsed);
    if (address == null) {
      return;
    }
    if (parsed.isIpv6() != ipv6) {
      findings.add(
          path,
          "%s is not of the route's family: use %s"
              .formatted(parsed.text(), ipv6 ? "IPv6" : "IPv4"));
    } else if (HostAddresses.kind(address) != null) {
      findings.add(
          path,
          "%s %s: give an address of %s"
              .formatted(parsed.text(), HostAddresses.kind(address), whose));
    }
  }

  /**
   * What a virtual address tells about a gateway: it is not this one, and a host of its network.
   */
  private static void checkGateway(String path, ParsedSpec parsed, int route, Findings findings) {
    var via = parsed.routes().get(route).via().value();
    if (via == null || HostAddresses.kind(via) != null) {
      return;
    }
    for (int i = 0; i < parsed.addresses().size(); i++) {
      var prefix = parsed.addresses().get(i).value();
      if (prefix == null || !prefix.contains(via) || isElsewhere(via, parsed.spec(), i, route)) {
        continue;
      }
      var flaw = HostAddresses.flaw(new IpPrefix(via, prefix.length()));
      if (prefix.address().equals(via)) {
        findings.add(path, IpPrefix.text(via) + " is a virtual address: give the router's own");
        return;
      } else if (flaw != null && HostAddresses.flaw(prefix) == null) {
        findings.add(path, IpPrefix.text(via) + " " + flaw);
        return;
      }
    }
  }

  /** A link-local address stands for another host on each NIC. */
  private static boolean isElsewhere(InetAddress via, VirtualIpSpec spec, int address, int route) {
    return via.isLinkLocalAddress()
        && !Objects.equals(
            nic(spec, spec.addresses().get(address).interfaceName()),
            nic(spec, spec.routes().get(route).interfaceName()));
  }

  private static String nic(VirtualIpSpec spec, String interfaceName) {
    return interfaceName != null ? interfaceName : spec.interfaceName();
  }
}
