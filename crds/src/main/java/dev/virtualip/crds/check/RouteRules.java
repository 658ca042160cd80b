package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.VirtualIpSpec;
import java.net.InetAddress;

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
    checkAddress(path + ".via", route.via(), route.isIpv6(), findings);
    checkAddress(path + ".source", route.source(), route.isIpv6(), findings);
  }

  private static void checkAddress(
      String path, Parsed<InetAddress> address, boolean ipv6, Findings findings) {
    if (findings.value(path, address) != null && address.isIpv6() != ipv6) {
      findings.add(
          path,
          "%s is not of the route's family: use %s"
              .formatted(address.text(), ipv6 ? "IPv6" : "IPv4"));
    }
  }
}
