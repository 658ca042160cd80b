package dev.virtualip.crds;

import static dev.virtualip.crds.VirtualIpSpec.VRID_MAX;
import static dev.virtualip.crds.VirtualIpSpec.VRID_MIN;

import dev.virtualip.crds.HealthCheck.Http;
import dev.virtualip.crds.HealthCheck.Scheme;
import dev.virtualip.crds.VirtualIpSpec.Address;
import dev.virtualip.crds.VirtualIpSpec.Dns;
import dev.virtualip.crds.VirtualIpSpec.LeasePolicy;
import dev.virtualip.crds.VirtualIpSpec.Mode;
import dev.virtualip.crds.VirtualIpSpec.NodeOverride;
import dev.virtualip.crds.VirtualIpSpec.Route;
import dev.virtualip.crds.VirtualIpSpec.Rule;
import dev.virtualip.crds.VirtualIpSpec.WhenAllFail;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Decides whether one spec may run. The same code serves the operator (for the status), the agent
 * (for what it does) and {@code virtualip-agent validate}; it repeats what schema and CEL say,
 * since files and old API servers have neither.
 */
public final class Validator {
  private static final Pattern INTERFACE = Pattern.compile(VirtualIpSpec.INTERFACE_PATTERN);
  private static final Pattern CHECK_NAME = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
  private static final Pattern HOST_HEADER = Pattern.compile(Http.HOST_HEADER_PATTERN);
  private static final Pattern STATUSES = Pattern.compile(Http.STATUSES_PATTERN);
  private static final Pattern PROCESS_NAME = Pattern.compile("[^/\\s]{1,255}");
  private static final Pattern HOSTNAME = Pattern.compile(Dns.HOSTNAME_PATTERN);
  private static final Pattern GROUP = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
  private static final Duration V3_UNIT = Duration.ofMillis(10);
  private static final Duration V3_INTERVAL_MAX = V3_UNIT.multipliedBy(4095);

  private final VirtualIpSpec spec;
  private final List<Problem> problems = new ArrayList<>();
  private final HashSet<InetAddress> virtual = new HashSet<>();

  private Validator(VirtualIpSpec spec) {
    this.spec = spec;
  }

  /** Everything that is wrong with a spec on its own; empty if it may run. */
  public static List<Problem> problems(VirtualIpSpec spec) {
    if (spec == null) {
      return List.of(new Problem("spec", "is missing: give at least vrid, interface, addresses"));
    }
    var validator = new Validator(spec);
    validator.checkProtocol();
    validator.checkAddresses();
    validator.checkFamilies();
    validator.checkTransport();
    validator.checkRoutes();
    validator.checkRules();
    validator.checkTracking();
    validator.checkNodes();
    validator.checkHealthChecks();
    validator.checkDns();
    validator.problems.addAll(NotificationRules.problems(spec.notifications()));
    return List.copyOf(validator.problems);
  }

  private void checkProtocol() {
    if (spec.vrid() == null) {
      add("spec.vrid", "is missing: use a number from 1 to 255 that no other router uses here");
    } else {
      range("spec.vrid", spec.vrid(), VRID_MIN, VRID_MAX, "VRID");
    }
    range("spec.vrrpVersion", spec.vrrpVersion(), 2, 3, "VRRP version");
    range("spec.priority", spec.priority(), 1, 255, "priority");
    if (spec.interfaceName() == null) {
      add("spec.interface", "is missing: name the NIC that carries the adverts, as in eth0");
    }
    checkInterface("spec.interface", spec.interfaceName());
    checkAdvertInterval();
    duration("spec.preempt.delay", spec.preempt().delay(), Duration.ZERO, Duration.ofSeconds(1000));
    checkAuthentication();
    checkGarp();
    checkLease();
  }

  /** Whole seconds, ended up to a second late: below 1 s none is both long and short enough. */
  private void checkLease() {
    if (spec.lease().policy() == LeasePolicy.Exclusive && interval().toSeconds() < 1) {
      add(
          "spec.lease.policy",
          "the kernel ends leases within a second, so Exclusive needs an advertInterval of 1s or"
              + " more: use that, or Overlap");
    }
  }

  private void checkGarp() {
    var garp = spec.garp();
    range("spec.garp.repeat", garp.repeat(), 1, 100, "number of announcements");
    duration("spec.garp.delay", garp.delay(), Duration.ZERO, Duration.ofHours(1));
    var refresh =
        duration("spec.garp.refresh", garp.refresh(), Duration.ZERO, Duration.ofHours(24));
    if (refresh != null && !refresh.isZero() && refresh.toSeconds() < 1) {
      add("spec.garp.refresh", garp.refresh() + " is too often: use 1s to 24h, or 0s for never");
    }
  }

  private void checkAdvertInterval() {
    range("spec.advertRepeat", spec.advertRepeat(), 1, VirtualIpSpec.ADVERT_REPEAT_MAX, "number");
    if (spec.advertRepeat() > 1
        && interval().dividedBy(spec.advertRepeat()).compareTo(V3_UNIT) < 0) {
      add("spec.advertRepeat", "makes an advert more often than every 10ms: use a lower number");
    }
    var path = "spec.advertInterval";
    if (spec.vrrpVersion() == 2) {
      var interval =
          duration(path, spec.advertInterval(), Duration.ofSeconds(1), Duration.ofSeconds(255));
      if (interval != null && interval.toNanosPart() != 0) {
        add(path, "VRRPv2 adverts have whole seconds: use 1s to 255s, or set vrrpVersion to 3");
      }
    } else {
      var interval = duration(path, spec.advertInterval(), V3_UNIT, V3_INTERVAL_MAX);
      if (interval != null && interval.toNanos() % V3_UNIT.toNanos() != 0) {
        add(path, "VRRPv3 adverts count in steps of 10ms: round it to a multiple of 10ms");
      }
    }
  }

  private void checkAuthentication() {
    if (spec.authentication() == null) {
      return;
    }
    if (spec.vrrpVersion() != 2) {
      add(
          "spec.authentication",
          "authentication exists in VRRPv2 only: set vrrpVersion to 2, or remove it");
    }
    var ref = spec.authentication().passwordSecretRef();
    if (ref == null || blank(ref.name()) || blank(ref.key())) {
      add(
          "spec.authentication.passwordSecretRef",
          "needs name and key of a Secret in virtualip's namespace");
    }
  }

  private void checkAddresses() {
    if (spec.addresses().isEmpty()) {
      add("spec.addresses", "is empty: give at least one address, as in 203.0.113.10/24");
    }
    if (spec.addresses().size() > VirtualIpSpec.ADDRESSES_MAX) {
      add("spec.addresses", "has more than 1024 addresses: use a second VirtualIP");
    }
    for (int i = 0; i < spec.addresses().size(); i++) {
      checkAddress("spec.addresses[" + i + "]", spec.addresses().get(i));
    }
  }

  private void checkAddress(String path, Address address) {
    if (address == null || address.address() == null) {
      add(path + ".address", "is missing: give an address with prefix, as in 203.0.113.10/24");
      return;
    }
    checkInterface(path + ".interface", address.interfaceName());
    var prefix = parsed(path + ".address", () -> IpPrefix.parse(address.address()));
    if (prefix == null) {
      return;
    }
    if (unusable(prefix.address())) {
      add(path + ".address", "no host can have " + address.address() + ": use a unicast address");
    } else if (!virtual.add(prefix.address())) {
      add(path + ".address", "stands in the list twice: remove one");
    }
  }

  private void checkFamilies() {
    var listed =
        spec.addresses().stream()
            .filter(a -> a != null && a.address() != null && a.advertised())
            .map(a -> a.address().contains(":"))
            .toList();
    if (listed.isEmpty() && spec.addresses().stream().anyMatch(a -> a != null && !a.advertised())) {
      add("spec.addresses", "adverts need an address: leave advertised: false off one of them");
    }
    if (listed.size() > VirtualIpSpec.ADVERTISED_MAX) {
      add("spec.addresses", "an advert lists at most 255: set advertised: false on the others");
    }
    if (listed.contains(true) && listed.contains(false)) {
      add(
          "spec.addresses",
          "one advert lists IPv4 or IPv6 addresses, not both: set advertised: false on those of one"
              + " family");
    } else if (spec.isIpv6() && spec.vrrpVersion() == 2) {
      add(
          "spec.vrrpVersion",
          "VRRPv2 has no IPv6: set it to 3, or advertised: false on IPv6 addresses");
    }
    if (spec.rfc9568Checksum() && spec.vrrpVersion() == 2) {
      add("spec.rfc9568Checksum", "is about VRRPv3: set vrrpVersion to 3, or remove it");
    } else if (spec.rfc9568Checksum() && spec.isIpv6()) {
      add("spec.rfc9568Checksum", "is about IPv4, IPv6 has one checksum only: remove it");
    }
  }

  private void checkTransport() {
    var peers = spec.transport().peers();
    if (spec.transport().mode() == Mode.Multicast && !peers.isEmpty()) {
      add("spec.transport.peers", "peers are for unicast: set mode to Unicast, or remove them");
    }
    if (peers.size() > 255) {
      add("spec.transport.peers", "has more than 255 addresses: shorten it");
    }
    var seen = new HashSet<InetAddress>();
    for (int i = 0; i < peers.size(); i++) {
      checkPeer("spec.transport.peers[" + i + "]", peers.get(i), seen);
    }
  }

  private void checkPeer(String path, String peer, HashSet<InetAddress> seen) {
    if (peer == null) {
      add(path, "is missing: give the address of a node");
      return;
    }
    var address = parsed(path, () -> IpPrefix.parseAddress(peer));
    if (address == null) {
      return;
    }
    if (peer.contains(":") != spec.isIpv6()) {
      add(
          path,
          "adverts are %s: give the peer's address of that family"
              .formatted(spec.isIpv6() ? "IPv6" : "IPv4"));
    } else if (unusable(address)) {
      add(path, "no host can have " + peer + ": give the address of a node");
    } else if (virtual.contains(address)) {
      add(path, peer + " is a virtual address: give the node's own");
    } else if (!seen.add(address)) {
      add(path, "stands in the list twice: remove one");
    }
  }

  private static boolean unusable(InetAddress address) {
    return address.isAnyLocalAddress()
        || address.isLoopbackAddress()
        || address.isMulticastAddress()
        || address.getHostAddress().equals("255.255.255.255");
  }

  private void checkRoutes() {
    if (spec.routes().size() > VirtualIpSpec.ROUTES_MAX) {
      add("spec.routes", "has more than 255 routes: use a second VirtualIP");
    }
    for (int i = 0; i < spec.routes().size(); i++) {
      var path = "spec.routes[" + i + "]";
      var route = spec.routes().get(i);
      if (route == null || route.to() == null) {
        add(path + ".to", "is missing: write default, or a prefix as in 10.0.0.0/8");
      } else {
        checkRoute(path, route);
      }
    }
  }

  private void checkRoute(String path, Route route) {
    checkInterface(path + ".interface", route.interfaceName());
    boolean anywhere = route.to().equals("default");
    if (!anywhere) {
      var to = parsed(path + ".to", () -> IpPrefix.parse(route.to()));
      if (to != null && !to.isNetwork()) {
        add(path + ".to", "has bits set behind the prefix: write " + to.network());
      }
    }
    if (anywhere && route.via() == null) {
      add(path + ".via", "is missing: a default route needs its gateway");
    }
    boolean ipv6 = (anywhere ? String.valueOf(route.via()) : route.to()).contains(":");
    checkRouteAddress(path + ".via", route.via(), ipv6);
    checkRouteAddress(path + ".source", route.source(), ipv6);
    range(path + ".table", route.table(), 1, 0xFFFF_FFFFL, "routing table");
    range(path + ".metric", route.metric(), 0, 0xFFFF_FFFFL, "metric");
  }

  private void checkRules() {
    if (spec.rules().size() > VirtualIpSpec.RULES_MAX) {
      add("spec.rules", "has more than 64 rules: use a second VirtualIP");
    }
    var good = new TreeMap<Integer, PolicyRule>();
    for (int i = 0; i < spec.rules().size(); i++) {
      var path = "spec.rules[" + i + "]";
      var rule = spec.rules().get(i);
      int before = problems.size();
      checkRule(path, rule);
      if (problems.size() == before) {
        var parsed = PolicyRule.of(rule);
        good.entrySet().stream()
            .filter(other -> other.getValue().clashesWith(parsed))
            .findFirst()
            .ifPresent(other -> add(path, clash("rules[" + other.getKey() + "]", parsed)));
        good.put(i, parsed);
      }
    }
  }

  /** What to do about two rules that {@linkplain PolicyRule#clashesWith clash}. */
  static String clash(String other, PolicyRule rule) {
    return "%s is for the same packets at the same priority %d: change one of the two priorities, or"
            .formatted(other, rule.priority())
        + " remove one";
  }

  private void checkRule(String path, Rule rule) {
    if (rule == null || rule.from() == null && rule.to() == null) {
      add(path, "needs from or to: without either it catches every packet");
      return;
    }
    checkMatch(path + ".from", rule.from());
    checkMatch(path + ".to", rule.to());
    if (rule.from() != null
        && rule.to() != null
        && rule.from().contains(":") != rule.to().contains(":")) {
      add(path, "from and to are of different families: use IPv4 or IPv6 for both");
    }
    if (rule.table() == null) {
      add(path + ".table", "is missing: give the routing table to ask, as in 100");
    } else if (rule.table() == VirtualIpSpec.LOCAL_TABLE) {
      add(path + ".table", "every packet asks table 255 (local) first anyway: use another table");
    }
    range(path + ".table", rule.table(), 1, 0xFFFF_FFFFL, "routing table");
    if (rule.priority() == null) {
      add(
          path + ".priority",
          "is missing: use 1 to 32765; rules are asked from the lowest up, and ip rule shows what"
              + " the node has");
    }
    range(path + ".priority", rule.priority(), 1, VirtualIpSpec.RULE_PRIORITY_MAX, "rule priority");
  }

  private void checkMatch(String path, String text) {
    var prefix = text == null ? null : parsed(path, () -> PolicyRule.prefix(text));
    if (prefix != null && prefix.length() == 0) {
      add(path, text + " is every address: leave it out, or give a smaller prefix");
    } else if (prefix != null && !prefix.isNetwork()) {
      add(
          path,
          "has bits set behind the prefix: write %s, or %s for the one address"
              .formatted(prefix.network(), IpPrefix.text(prefix.address())));
    }
  }

  private void checkTracking() {
    if (spec.trackInterfaces().size() > VirtualIpSpec.TRACKED_MAX) {
      add("spec.trackInterfaces", "has more than 32 NICs: name several by one glob, as in en*");
    }
    var names = new HashSet<String>();
    for (int i = 0; i < spec.trackInterfaces().size(); i++) {
      var path = "spec.trackInterfaces[" + i + "]";
      var tracked = spec.trackInterfaces().get(i);
      if (tracked == null || tracked.name() == null) {
        add(path + ".name", "is missing: name the NIC to track");
        continue;
      }
      checkInterface(path + ".name", tracked.name());
      range(path + ".weight", tracked.weight(), -253, 253, "weight");
      if (tracked.reverse() && tracked.weight() == 0) {
        add(path, "reverse turns a weight round: set a weight, or remove it");
      }
      if (!names.add(tracked.name())) {
        add(path + ".name", tracked.name() + " is tracked already: remove one");
      }
    }
    var debounce = parsed("spec.linkDebounce", () -> Durations.parse(spec.linkDebounce()));
    if (debounce != null
        && !debounce.isZero()
        && debounce.compareTo(interval().multipliedBy(2)) >= 0) {
      add(
          "spec.linkDebounce",
          "%s is no less than two advert intervals: a peer would take over before it counts; use"
                  .formatted(spec.linkDebounce())
              + " a shorter one");
    }
    duration("spec.delayAfterBoot", spec.delayAfterBoot(), Duration.ZERO, Duration.ofHours(1));
    if (spec.syncGroup() != null && !GROUP.matcher(spec.syncGroup()).matches()) {
      add("spec.syncGroup", "use 1 to 63 of a-z, 0-9 and -, as in edge");
    }
  }

  private Duration interval() {
    try {
      return Durations.parse(spec.advertInterval());
    } catch (IllegalArgumentException e) {
      return Duration.ofDays(1); // the interval has a message of its own
    }
  }

  private void checkRouteAddress(String path, String text, boolean ipv6) {
    if (text == null || parsed(path, () -> IpPrefix.parseAddress(text)) == null) {
      return;
    }
    if (text.contains(":") != ipv6) {
      add(path, "%s is not of the route's family: use %s".formatted(text, ipv6 ? "IPv6" : "IPv4"));
    }
  }

  private void checkNodes() {
    var names = new HashSet<String>();
    var overrides = spec.nodes().overrides();
    if (overrides.size() > VirtualIpSpec.OVERRIDES_MAX) {
      add("spec.nodes.overrides", "has more than 255 nodes: give most of them the same values");
    }
    for (int i = 0; i < overrides.size(); i++) {
      checkOverride("spec.nodes.overrides[" + i + "]", overrides.get(i), names);
    }
    checkSelector("spec.nodes.selector", spec.nodes().selector());
  }

  private void checkOverride(String path, NodeOverride override, HashSet<String> names) {
    if (override == null || blank(override.name())) {
      add(path + ".name", "is missing: name the node that is different");
      return;
    }
    if (!names.add(override.name())) {
      add(path + ".name", override.name() + " has an entry already: merge the two");
    }
    checkInterface(path + ".interface", override.interfaceName());
    range(path + ".priority", override.priority(), 1, 255, "priority");
  }

  private void checkSelector(String path, LabelSelector selector) {
    if (selector == null) {
      return;
    }
    selector
        .matchLabels()
        .forEach(
            (key, value) -> {
              if (value == null) {
                add(path + ".matchLabels." + key, "has no value: write \"\" for an empty one");
              }
            });
    for (int i = 0; i < selector.matchExpressions().size(); i++) {
      var requirement = selector.matchExpressions().get(i);
      var at = path + ".matchExpressions[" + i + "]";
      if (requirement == null || blank(requirement.key()) || requirement.operator() == null) {
        add(at, "needs a key and an operator: In, NotIn, Exists or DoesNotExist");
        continue;
      }
      boolean wantsValues =
          switch (requirement.operator()) {
            case In, NotIn -> true;
            case Exists, DoesNotExist -> false;
          };
      if (wantsValues == requirement.values().isEmpty()) {
        add(
            at + ".values",
            wantsValues
                ? requirement.operator() + " needs at least one value"
                : requirement.operator() + " takes no values: remove them");
      }
    }
  }

  private void checkDns() {
    if (spec.dns() == null) {
      return;
    }
    range("spec.dns.ttl", spec.dns().ttl(), 1, 86400, "number of seconds");
    var names = spec.dns().hostnames();
    if (names.isEmpty() || names.size() > 32) {
      add("spec.dns.hostnames", "give 1 to 32 names, as in www.example.com");
    }
    for (int i = 0; i < names.size(); i++) {
      var name = names.get(i);
      if (name == null || name.length() > 253 || !HOSTNAME.matcher(name).matches()) {
        add(
            "spec.dns.hostnames[" + i + "]",
            "\""
                + name
                + "\" is no name: write it in full and in small letters, as in www.example.com");
      }
    }
  }

  private void checkHealthChecks() {
    checkFloor("spec.priority", spec.priority());
    for (int i = 0; i < spec.nodes().overrides().size(); i++) {
      var override = spec.nodes().overrides().get(i);
      checkFloor(
          "spec.nodes.overrides[" + i + "].priority",
          override == null ? null : override.priority());
    }
    if (spec.healthChecks().size() > VirtualIpSpec.CHECKS_MAX) {
      add("spec.healthChecks", "has more than 32 checks: let one command look at several things");
    }
    var names = new HashSet<String>();
    for (int i = 0; i < spec.healthChecks().size(); i++) {
      var path = "spec.healthChecks[" + i + "]";
      var check = spec.healthChecks().get(i);
      if (check == null || blank(check.name())) {
        add(path + ".name", "is missing: give the check a short name, as in ingress");
        continue;
      }
      if (!CHECK_NAME.matcher(check.name()).matches()) {
        add(path + ".name", "\"" + check.name() + "\" is no name: use 1 to 63 of a-z, 0-9 and -");
      }
      if (!names.add(check.name())) {
        add(path + ".name", "two checks are called " + check.name() + ": rename one");
      }
      checkHealthCheck(path, check);
    }
  }

  /** Priority 1 is taken where a master with failed checks goes on. */
  private void checkFloor(String path, Integer priority) {
    if (spec.whenAllFail() == WhenAllFail.KeepMaster && priority != null && priority == 1) {
      add(path, "with whenAllFail KeepMaster priority 1 means failed checks: use 2 or more");
    }
  }

  private void checkHealthCheck(String path, HealthCheck check) {
    long kinds =
        Stream.of(check.http(), check.tcp(), check.pod(), check.exec(), check.process())
            .filter(Objects::nonNull)
            .count();
    if (kinds != 1) {
      add(path, "a health check has exactly one kind: set one of http, tcp, pod, exec, process");
    }
    var hour = Duration.ofHours(1);
    duration(path + ".interval", check.interval(), Duration.ofMillis(50), hour);
    duration(path + ".timeout", check.timeout(), Duration.ofMillis(10), hour);
    range(path + ".rise", check.rise(), 1, 1000, "rise");
    range(path + ".fall", check.fall(), 1, 1000, "fall");
    range(path + ".weight", check.weight(), -253, 253, "weight");
    if (check.http() != null) {
      checkHttp(path + ".http", check.http());
    }
    if (check.tcp() != null) {
      checkHost(path + ".tcp.host", check.tcp().host());
      if (check.tcp().port() == null) {
        add(path + ".tcp.port", "is missing: give the TCP port to connect to");
      }
      range(path + ".tcp.port", check.tcp().port(), 1, 65535, "TCP port");
    }
    if (check.pod() != null) {
      if (blank(check.pod().namespace())) {
        add(path + ".pod.namespace", "is missing: name the namespace of the pods");
      }
      if (check.pod().selector() == null || check.pod().selector().isEmpty()) {
        add(path + ".pod.selector", "is missing: give labels that the pods have");
      }
      checkSelector(path + ".pod.selector", check.pod().selector());
    }
    if (check.exec() != null) {
      var command = check.exec().command();
      if (command.isEmpty() || command.size() > 64 || blank(command.getFirst())) {
        add(path + ".exec.command", "needs a program below the scripts directory, and arguments");
      } else if (command.contains(null)) {
        add(path + ".exec.command", "has an empty item: remove it, or write \"\"");
      }
    }
    if (check.process() != null) {
      var name = check.process().name();
      if (name == null || !PROCESS_NAME.matcher(name).matches()) {
        add(path + ".process.name", "is no name of a process: write it without path, as in nginx");
      }
    }
  }

  private void checkHttp(String path, Http http) {
    checkHost(path + ".host", http.host());
    range(path + ".port", http.port(), 1, 65535, "TCP port");
    if (!isPath(http.path())) {
      add(
          path + ".path",
          "is no path: start it with a slash and write other than plain characters as in %20");
    }
    if (http.hostHeader() != null && !HOST_HEADER.matcher(http.hostHeader()).matches()) {
      add(path + ".hostHeader", "is no host: write a name, and if need be a port behind a colon");
    }
    if (!STATUSES.matcher(http.statuses()).matches()) {
      add(path + ".statuses", "write statuses of 100 to 599, as in 200, 200-399 or 200-299,401");
    } else if (IntStream.range(100, 600).noneMatch(http::expects)) {
      add(path + ".statuses", "no status is a success: write ranges upwards, as in 200-399");
    }
    if (http.bodyContains() != null && http.bodyContains().isEmpty()) {
      add(path + ".bodyContains", "is empty: write what the body has to contain, or remove it");
    }
    if (http.tls() != null) {
      checkTls(path, http);
    }
  }

  private void checkTls(String path, Http http) {
    var tls = http.tls();
    if (http.scheme() != Scheme.HTTPS) {
      add(path + ".tls", "tls is for HTTPS: set scheme to HTTPS, or remove tls");
    }
    if (tls.ca() != null && !tls.verify()) {
      add(path + ".tls.ca", "ca is for verification: set verify to true, or remove ca");
    }
    if (tls.ca() != null) {
      parsed(path + ".tls.ca", () -> Certificates.parse(tls.ca()));
    }
  }

  /** No names: a check must not depend on DNS, nor wait for it. */
  private void checkHost(String path, String host) {
    parsed(path, () -> IpPrefix.parseAddress(host));
  }

  private static boolean isPath(String path) {
    try {
      var uri = new URI("http://127.0.0.1" + path);
      return path.startsWith("/") && uri.getHost() != null && uri.getFragment() == null;
    } catch (URISyntaxException e) {
      return false;
    }
  }

  private void checkInterface(String path, String name) {
    if (name != null && !namesInterface(name)) {
      add(
          path,
          "\"%s\" cannot name a NIC: use 1 to 15 characters without blank, slash, colon, or a prefix"
                  .formatted(name)
              + " such as 10.0.0.0/24");
    }
  }

  private static boolean namesInterface(String name) {
    try {
      return name.indexOf('/') < 0
          ? INTERFACE.matcher(name).matches()
          : IpPrefix.parse(name) != null;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private void range(String path, Number value, long min, long max, String what) {
    if (value != null && (value.longValue() < min || value.longValue() > max)) {
      add(path, value + " is not a " + what + ": use " + min + " to " + max);
    }
  }

  private Duration duration(String path, String text, Duration min, Duration max) {
    var value = parsed(path, () -> Durations.parse(text));
    if (value != null && (value.compareTo(min) < 0 || value.compareTo(max) > 0)) {
      add(
          path,
          text
              + " is out of range: use "
              + Durations.format(min)
              + " to "
              + Durations.format(max)
              + outOfRangeHint(path));
      return null;
    }
    return value;
  }

  private String outOfRangeHint(String path) {
    return path.equals("spec.advertInterval") && spec.vrrpVersion() == 2
        ? " with VRRPv2, or set vrrpVersion to 3"
        : "";
  }

  private <T> T parsed(String path, Supplier<T> parse) {
    try {
      return parse.get();
    } catch (IllegalArgumentException e) {
      add(path, e.getMessage());
      return null;
    }
  }

  private static boolean blank(String text) {
    return text == null || text.isBlank();
  }

  private void add(String path, String message) {
    problems.add(new Problem(path, message));
  }
}
