package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.LabelSelector;
import dev.virtualip.crds.schema.PoolServices;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpPoolSpec;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualServer;
import dev.virtualip.crds.schema.VirtualServer.Forwarding;
import dev.virtualip.crds.values.InterfaceSelector;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.IpRange;
import dev.virtualip.crds.values.NumberRange;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A pool whose texts are parsed. One with problems allows nothing.
 *
 * @param name name of the VirtualIPPool
 * @param addresses what virtual addresses may be of; texts that are not valid are left out
 * @param networks what the network of an address may be, or a part of; empty = any that is not
 *     larger than /24, of IPv6 /64
 * @param interfaces NICs as VirtualIPs may name them; empty = any
 * @param vrids empty = any
 * @param tables empty = none
 * @param nodeSelector what selectors have to contain, or null
 * @param services how it serves Services, with the NIC; null if it serves none
 * @param problems all problems of the pool itself
 */
public record CheckedPool(
    String name,
    List<IpRange> addresses,
    List<IpPrefix> networks,
    List<String> interfaces,
    List<NumberRange> vrids,
    List<NumberRange> tables,
    LabelSelector nodeSelector,
    PoolServices services,
    List<Problem> problems) {
  private static final long TABLE_MAX = 0xFFFF_FFFFL;

  /** Shortest prefix of an address where the pool lists no networks: a usual LAN. */
  private static final int IPV4_LENGTH_MIN = 24;

  private static final int IPV6_LENGTH_MIN = 64;

  /** Most ranges that a message lists. */
  private static final int LISTED = 4;

  /** Longest name of a pool for Services, as a label has it. */
  private static final int LABEL_MAX = 63;

  /** Parses and checks a pool. */
  public static CheckedPool of(VirtualIpPool pool) {
    var name = pool.getMetadata().getName();
    var findings = new Findings();
    var spec = pool.getSpec();
    if (spec == null) {
      findings.add("spec", "is missing: give at least addresses");
      spec = new VirtualIpPoolSpec(null, null, null, null, null, null, null);
    } else if (spec.addresses().isEmpty()) {
      findings.add("spec.addresses", "is empty: give at least one prefix, range or address");
    }
    checkLists(spec, findings);
    selector("spec.nodeSelector", spec.nodeSelector(), findings);
    return new CheckedPool(
        name,
        parsed("spec.addresses", spec.addresses(), IpRange::parse, findings),
        parsed("spec.networks", spec.networks(), CheckedPool::network, findings),
        spec.interfaces(),
        numbers("spec.vrids", spec.vrids(), VirtualIpSpec.VRID_MAX, "VRID", findings),
        numbers("spec.tables", spec.tables(), TABLE_MAX, "routing table", findings),
        spec.nodeSelector(),
        services(name, spec, findings),
        findings.problems());
  }

  private static IpPrefix network(String text) {
    var prefix = IpPrefix.parse(text);
    if (!prefix.isNetwork()) {
      throw new IllegalArgumentException(
          "\"%s\" has bits behind its prefix: write %s".formatted(text, prefix.network()));
    }
    return prefix;
  }

  private static void checkLists(VirtualIpPoolSpec spec, Findings findings) {
    long max = VirtualIpPoolSpec.ADDRESSES_MAX;
    findings.range("spec.addresses", spec.addresses().size(), 0, max, "number of ranges");
    for (int i = 0; i < spec.interfaces().size(); i++) {
      var path = "spec.interfaces[" + i + "]";
      if (spec.interfaces().get(i) == null) {
        findings.add(path, "is null: name a NIC, or remove it");
      }
      findings.nic(path, spec.interfaces().get(i));
    }
  }

  /** What the pool says of Services, with the NIC that it means. */
  private static PoolServices services(String name, VirtualIpPoolSpec spec, Findings findings) {
    var services = spec.services();
    if (services == null) {
      return null;
    }
    var nics = spec.interfaces();
    findings.range(
        "spec.services.lanes", services.lanes(), 1, PoolServices.LANES_MAX, "number of lanes");
    findings.nic("spec.services.interface", services.interfaceName());
    if (services.interfaceName() == null && nics.size() != 1) {
      findings.add("spec.services.interface", "is missing: name the NIC of the addresses");
    } else if (services.interfaceName() != null
        && !nics.isEmpty()
        && !nics.contains(services.interfaceName())) {
      findings.add(
          "spec.services.interface",
          "%s is none of spec.interfaces: name one of %s, or add it there"
              .formatted(services.interfaceName(), String.join(", ", nics)));
    }
    if (services.namespaces().stream().anyMatch(Objects::isNull)) {
      findings.add("spec.services.namespaces", "has a null: name a namespace, or remove it");
    }
    selector("spec.services.namespaceSelector", services.namespaceSelector(), findings);
    selector("spec.services.serviceSelector", services.serviceSelector(), findings);
    if (name.length() > LABEL_MAX) {
      findings.add(
          "metadata.name", "is too long for services: use at most %d letters".formatted(LABEL_MAX));
    }
    return services.interfaceName() == null && nics.size() == 1
        ? services.on(nics.getFirst())
        : services;
  }

  private static void selector(String path, LabelSelector selector, Findings findings) {
    if (selector != null) {
      findings.selectorOfSome(path, selector);
    }
  }

  private static <T> List<T> parsed(
      String path, List<String> texts, Function<String, T> parser, Findings findings) {
    var values = new ArrayList<T>();
    for (int i = 0; i < texts.size(); i++) {
      var at = path + "[" + i + "]";
      if (texts.get(i) == null) {
        findings.add(at, "is null: write a value, or remove it");
        continue;
      }
      var value = findings.value(at, Parsed.of(texts.get(i), parser));
      if (value != null) {
        values.add(value);
      }
    }
    return List.copyOf(values);
  }

  private static List<NumberRange> numbers(
      String path, List<String> texts, long max, String what, Findings findings) {
    var ranges = parsed(path, texts, NumberRange::parse, findings);
    for (var range : ranges) {
      if (range.first() < 1 || range.last() > max) {
        findings.add(path, "%s is not a %s: use 1 to %d".formatted(range, what, max));
      }
    }
    return ranges;
  }

  /** Whether the pool itself is valid. */
  public boolean isGood() {
    return problems.isEmpty();
  }

  /** Whether a Service may use it, see {@link PoolServices#admits}. */
  public boolean serves(
      String namespace, Map<String, String> namespaceLabels, Map<String, String> labels) {
    return isGood() && services != null && services.admits(namespace, namespaceLabels, labels);
  }

  /** Whether a Service can have an address of it. */
  public boolean has(InetAddress address) {
    return addresses.stream().anyMatch(range -> range.contains(address))
        && (networks.isEmpty() || networks.stream().anyMatch(n -> n.contains(address)))
        && HostAddresses.flaw(new IpPrefix(address, 8 * address.getAddress().length)) == null;
  }

  /** What of a VirtualIP this pool does not allow; empty if it allows all. */
  List<Problem> refusals(CheckedSpec spec) {
    if (!isGood()) {
      return List.of(
          refusal(
              "spec.pool",
              "VirtualIPPool %s cannot be read and allows nothing: correct its %s"
                  .formatted(name, problems.getFirst())));
    }
    var refusals = new ArrayList<Problem>();
    addresses(spec, refusals);
    if (!vrids.isEmpty() && !contain(vrids, spec.spec().vrid())) {
      refusals.add(outside("spec.vrid", spec.spec().vrid(), vrids));
    }
    interfaces(spec.spec(), refusals);
    tables(spec, refusals);
    selectors(spec.spec(), refusals);
    return refusals;
  }

  private void addresses(CheckedSpec spec, List<Problem> refusals) {
    for (int i = 0; i < spec.addresses().size(); i++) {
      var prefix = spec.addresses().get(i).prefix();
      if (addresses.stream().noneMatch(range -> range.contains(prefix.address()))) {
        refusals.add(outside("spec.addresses[" + i + "].address", prefix, addresses));
      } else if (!isNetworkAllowed(prefix)) {
        refusals.add(
            refusal(
                "spec.addresses[" + i + "].address",
                "%s makes a node reach all of %s by this NIC, and VirtualIPPool %s allows %s"
                    .formatted(
                        prefix,
                        prefix.network(),
                        name,
                        networks.isEmpty()
                            ? "/" + lengthMin(prefix) + " or longer"
                            : networks.stream()
                                .map(IpPrefix::toString)
                                .collect(Collectors.joining(", ")))));
      }
    }
  }

  private boolean isNetworkAllowed(IpPrefix prefix) {
    return networks.isEmpty()
        ? prefix.length() >= lengthMin(prefix)
        : networks.stream()
            .anyMatch(n -> n.length() <= prefix.length() && n.contains(prefix.address()));
  }

  private static int lengthMin(IpPrefix prefix) {
    return prefix.isIpv6() ? IPV6_LENGTH_MIN : IPV4_LENGTH_MIN;
  }

  private void interfaces(VirtualIpSpec spec, List<Problem> refusals) {
    if (interfaces.isEmpty()) {
      return;
    }
    nic("spec.interface", spec.interfaceName(), refusals);
    for (int i = 0; i < spec.addresses().size(); i++) {
      nic("spec.addresses[" + i + "].interface", spec.addresses().get(i).interfaceName(), refusals);
    }
    for (int i = 0; i < spec.routes().size(); i++) {
      nic("spec.routes[" + i + "].interface", spec.routes().get(i).interfaceName(), refusals);
    }
    for (int i = 0; i < spec.nodes().overrides().size(); i++) {
      nic(
          "spec.nodes.overrides[" + i + "].interface",
          spec.nodes().overrides().get(i).interfaceName(),
          refusals);
    }
    for (int i = 0; i < spec.heartbeats().size(); i++) {
      var heartbeat = spec.heartbeats().get(i);
      nic("spec.heartbeats[" + i + "].interface", heartbeat.interfaceName(), refusals);
    }
    if (spec.connectionSync() != null) {
      nic("spec.connectionSync.interface", spec.connectionSync().interfaceName(), refusals);
    }
  }

  /**
   * By the text alone: only a node knows which NIC an {@link InterfaceSelector} selects, and all
   * have to come to the same result.
   */
  private void nic(String path, String selector, List<Problem> refusals) {
    if (selector != null && !interfaces.contains(selector)) {
      refusals.add(outside(path, selector, interfaces));
    }
  }

  private void tables(CheckedSpec spec, List<Problem> refusals) {
    for (int i = 0; i < spec.routes().size(); i++) {
      table("spec.routes[" + i + "].table", spec.routes().get(i).table(), refusals);
    }
    for (int i = 0; i < spec.rules().size(); i++) {
      var rule = spec.rules().get(i);
      table("spec.rules[" + i + "].table", rule.table(), refusals);
      if (rule.from() == null
          || addresses.stream().noneMatch(range -> range.contains(rule.from()))) {
        var from = rule.from() == null ? "a rule for any source" : rule.from();
        refusals.add(outside("spec.rules[" + i + "].from", from, addresses));
      }
    }
  }

  private void table(String path, long table, List<Problem> refusals) {
    if (!contain(tables, table)) {
      refusals.add(outside(path, "table " + table, tables));
    }
  }

  /** Only the selectors count, not the nodes that they select now: labels of nodes come and go. */
  private void selectors(VirtualIpSpec spec, List<Problem> refusals) {
    if (nodeSelector == null) {
      return;
    }
    selector("spec.nodes.selector", spec.nodes().selector(), refusals);
    for (int i = 0; i < spec.virtualServers().size(); i++) {
      var path = "spec.virtualServers[" + i + "].realServers";
      var server = spec.virtualServers().get(i);
      var nodes = server.realServers().nodes();
      if (nodes != null) {
        selector(path + ".nodes.selector", nodes.selector(), refusals);
      }
      listedServers(path + ".addresses", server, refusals);
    }
  }

  /** Which nodes have the addresses is as little known as their labels: so none is allowed. */
  private void listedServers(String path, VirtualServer server, List<Problem> refusals) {
    if (server.forwarding() != Forwarding.Masquerade
        && !server.realServers().addresses().isEmpty()) {
      refusals.add(
          refusal(
              path,
              ("VirtualIPPool %s is for some nodes only, and with %s any node listed here gets the"
                      + " virtual address: select nodes by realServers.nodes with %s, or use"
                      + " Masquerade")
                  .formatted(name, server.forwarding(), text(nodeSelector))));
    }
  }

  private void selector(String path, LabelSelector selector, List<Problem> refusals) {
    if (selector == null
        || !selector.matchLabels().entrySet().containsAll(nodeSelector.matchLabels().entrySet())
        || !selector.matchExpressions().containsAll(nodeSelector.matchExpressions())) {
      refusals.add(
          refusal(
              path,
              "VirtualIPPool %s is for some nodes only: add %s"
                  .formatted(name, text(nodeSelector))));
    }
  }

  private static String text(LabelSelector selector) {
    var parts = new ArrayList<String>();
    selector.matchLabels().forEach((key, value) -> parts.add(key + ": " + value));
    selector
        .matchExpressions()
        .forEach(
            r ->
                parts.add(
                    "%s %s %s"
                        .formatted(r.key(), r.operator(), String.join(",", r.values()))
                        .strip()));
    return String.join("; ", parts);
  }

  private static boolean contain(Collection<NumberRange> ranges, long number) {
    return ranges.stream().anyMatch(range -> range.contains(number));
  }

  private Problem outside(String path, Object value, List<?> allowed) {
    var list = allowed.stream().limit(LISTED).map(Objects::toString);
    var text = allowed.isEmpty() ? "none" : list.collect(Collectors.joining(", "));
    return refusal(
        path,
        "%s is outside of VirtualIPPool %s, which allows %s%s"
            .formatted(value, name, text, allowed.size() > LISTED ? ", ..." : ""));
  }

  static Problem refusal(String path, String message) {
    return new Problem(Problem.Kind.OutsidePools, path, message);
  }
}
